/**
 * Plays the same commands in two worlds and stops at the first difference. Seeds come from OVERFS_SEED and the number
 * of runs from OVERFS_RUNS; both, and the smallest failing sequence, are printed when something differs.
 */

import fc from 'fast-check';
import { expect } from 'vitest';
import type { Form } from '../grounds/face.ts';
import { type Ground, realGround } from '../grounds/ground.ts';
import type { Tree } from '../grounds/tree.ts';
import { givenTree } from './commands.ts';
import { type Command, isSame, World } from './world.ts';

/** The whole tree, told last. */
const SURVEY: Command = { call: 'survey', args: [] };

async function compare(model: World, subject: World, commands: readonly Command[]): Promise<void> {
  for (const [index, command] of [...commands, SURVEY].entries()) {
    const expected = await model.play(command);
    const told = await subject.play(command);
    if (!isSame(expected, told)) expect(told, `command ${index}, ${show(command)}`).toBe(expected);
  }
}

/** The commands have the same results on the real fs and on the ground, and leave the same tree. */
export async function agree(ground: Ground, form: Form, given: Tree, commands: readonly Command[]): Promise<void> {
  const model = new World(realGround.stand(given, undefined), form);
  try {
    const subject = new World(ground.stand(given, undefined), form);
    try {
      await compare(model, subject, commands);
    } finally {
      await subject.end();
    }
  } finally {
    await model.end();
  }
}

export interface Effort {
  readonly runs: number;
  readonly steps: number;
  readonly commands: fc.Arbitrary<Command>;
}

function fromEnvironment(name: string): number | undefined {
  const value = process.env[name];
  return value === undefined ? undefined : Number(value);
}

/** Random trees and commands agree; a failure tells its seed and the smallest sequence that shows it. */
export async function agreeAtRandom(ground: Ground, form: Form, effort: Effort): Promise<void> {
  const commands = fc.array(effort.commands, { minLength: 1, maxLength: effort.steps, size: 'max' });
  const seed = fromEnvironment('OVERFS_SEED');
  const property = fc.asyncProperty(givenTree, commands, (given, list) => agree(ground, form, given, list));
  await fc.assert(property, {
    numRuns: fromEnvironment('OVERFS_RUNS') ?? effort.runs,
    ...(seed === undefined ? {} : { seed }),
    reporter: (details) => {
      if (!details.failed) return;
      const [given, list] = details.counterexample ?? [];
      const told = [`seed ${details.seed} (OVERFS_SEED=${details.seed}), ${ground.name}, ${form}`];
      told.push(`given ${show(given)}`, ...(list ?? []).map(show), String(details.errorInstance));
      throw new Error(told.join('\n'), { cause: details.errorInstance });
    },
  });
}

/** Short enough to read: buffers by their length, the functions that make absolute targets by what they make. */
function show(value: unknown): string {
  return JSON.stringify(value, (_key, part) => {
    if (typeof part === 'function') return part('@');
    if (part?.type === 'Buffer') return `<${part.data.length} bytes from ${part.data[0]}>`;
    return part;
  });
}
