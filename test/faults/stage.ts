/** Where a workload is performed: an overlay over a lower that can be made to fail, and how both look. */

import { expect } from 'vitest';
import { type Given, makeWorld, quiet, type World } from '../chaos/history.ts';
import { survey } from '../chaos/survey.ts';
import { type Face, type Form, faceOf, type Handle } from '../grounds/face.ts';
import type { Behave } from './lower.ts';
import { given, type Workload } from './workloads.ts';

export const faithful: Behave = (_request, answer) => answer();

export interface Stage extends World {
  readonly face: Face;
  readonly handle: Handle | undefined;
}

/** A world in which nothing is known but what the earlier changes had to look at, and `behave` is in force. */
export async function stand(workload: Workload, form: Form, more: Partial<Given>): Promise<Stage> {
  const world = makeWorld({ ...given, ...more });
  const face = faceOf(world.overlay.fs, form, '/');
  const handle = workload.opens && (await face.open(...workload.opens));
  world.lower.count = 0;
  return { ...world, face, handle };
}

export interface Result {
  readonly said: string;
  readonly error?: NodeJS.ErrnoException;
}

/** Makes the call; what it gave or threw, as text. */
export async function perform({ face, handle }: Stage, workload: Workload): Promise<Result> {
  try {
    return { said: spell(await workload.run(face, handle)) };
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    return { said: String(error), error };
  }
}

function spell(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value === 'object' && value !== null && 'ino' in value) {
    const { mode, size, nlink } = value as unknown as Record<string, number>;
    return `${mode} ${size} ${nlink}`;
  }
  return JSON.stringify(value) ?? 'undefined';
}

/** How the overlay looks, while the lower behaves. */
export function look({ lower, overlay }: World): string {
  const { behave } = lower;
  lower.behave = faithful;
  const seen = survey(overlay);
  lower.behave = behave;
  return seen;
}

/** Ends the overlay; the lower must look like that `picture`, and have nothing open. */
export async function leave({ lower, overlay, face }: Stage, picture: string): Promise<void> {
  lower.behave = faithful;
  await face.finish();
  overlay.close();
  await quiet();
  expect([...lower.open.values()]).toEqual([]);
  expect(lower.picture()).toBe(picture);
}

/** What a call comes to when nothing fails: its result, the tree before and after, and how many requests it took. */
export async function plainly(workload: Workload, form: Form, more: Partial<Given>) {
  const stage = await stand(workload, form, more);
  const picture = stage.lower.picture();
  const { said, error } = await perform(stage, workload);
  const requests = stage.lower.count;
  expect(error).toBeUndefined();
  const after = look(stage);
  await leave(stage, picture);
  const untouched = await stand(workload, form, more);
  const before = look(untouched);
  await leave(untouched, picture);
  return { said, before, after, requests, picture };
}
