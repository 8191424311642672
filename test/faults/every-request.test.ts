// Every request of every call made to fail: the call gets that error, in words; nothing is half done; a second try succeeds; the
// quota is exact; nothing stays open; the lower is as it was.

import { describe, expect, it } from 'vitest';
import { type Given, makeWorld, quiet, type World } from '../chaos/history.ts';
import { survey } from '../chaos/survey.ts';
import { type Face, FORMS, type Form, faceOf, type Handle } from '../grounds/face.ts';
import { type Behave, branchError } from './lower.ts';
import { given, type Workload, workloads } from './workloads.ts';

const faithful: Behave = (_request, answer) => answer();

interface Stage extends World {
  readonly face: Face;
  readonly handle: Handle | undefined;
}

/** A world in which nothing is known but what the earlier changes had to look at, and `behave` is in force. */
async function stand(workload: Workload, form: Form, more: Partial<Given>): Promise<Stage> {
  const world = makeWorld({ ...given, ...more });
  const face = faceOf(world.overlay.fs, form);
  const handle = workload.opens && (await face.open(...workload.opens));
  world.lower.count = 0;
  return { ...world, face, handle };
}

interface Result {
  readonly said: string;
  readonly error?: NodeJS.ErrnoException;
}

async function perform({ face, handle }: Stage, workload: Workload): Promise<Result> {
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
function look({ lower, overlay }: World): string {
  const { behave } = lower;
  lower.behave = faithful;
  const seen = survey(overlay);
  lower.behave = behave;
  return seen;
}

async function leave({ lower, overlay, face }: Stage, picture: string): Promise<void> {
  lower.behave = faithful;
  await face.finish();
  overlay.close();
  await quiet();
  expect([...lower.open.values()]).toEqual([]);
  expect(lower.picture()).toBe(picture);
}

/** What a call comes to when nothing fails: its result, the tree before and after, and how many requests it took. */
async function plainly(workload: Workload, form: Form, more: Partial<Given>) {
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

interface Fault {
  readonly name: string;
  readonly thrown: unknown;
  readonly code: string;
  readonly sentence: string;
}

const FAULTS: readonly Fault[] = [
  { name: 'EIO', thrown: branchError('EIO'), code: 'EIO', sentence: 'i/o error' },
  { name: 'EACCES', thrown: branchError('EACCES'), code: 'EACCES', sentence: 'permission denied' },
  { name: 'a thrown string', thrown: 'no', code: 'EIO', sentence: 'i/o error' },
  { name: 'undefined thrown', thrown: undefined, code: 'EIO', sentence: 'i/o error' },
];

/** Makes the k-th request fail, for every k. */
async function failEach(workload: Workload, form: Form, fault: Fault, more: Partial<Given>): Promise<void> {
  const plain = await plainly(workload, form, more);
  for (let k = 1; k <= plain.requests; k++) {
    const stage = await stand(workload, form, more);
    stage.lower.behave = (request, answer) => {
      if (request.number === k) throw fault.thrown;
      return answer();
    };
    const { said, error } = await perform(stage, workload);
    stage.lower.behave = faithful;
    const where = `request ${k} of ${plain.requests}: ${stage.lower.requests.at(-1)?.name}`;
    if (error === undefined) {
      // What could be done without.
      expect(said, where).toBe(plain.said);
      expect(look(stage), where).toBe(plain.after);
    } else {
      const messages = workload.blames.map((blamed) => `${fault.code}: ${fault.sentence}, ${blamed}`);
      expect(messages, where).toContain(error.message);
      expect(error.code).toBe(fault.code);
      if (fault.thrown === undefined || typeof fault.thrown === 'string') expect(error.cause).toBe(fault.thrown);
      expect(look(stage), where).toBe(plain.before);
      expect((await perform(stage, workload)).said, where).toBe(plain.said);
      expect(look(stage), where).toBe(plain.after);
    }
    await leave(stage, plain.picture);
  }
}

for (const form of FORMS) {
  for (const immutable of [false, true]) {
    describe(`every request fails once, ${form}, ${immutable ? 'immutable' : 'may change'}`, () => {
      // The forms differ in how they ask, not in what a failure does.
      const faults = immutable || form !== 'sync' ? FAULTS.slice(0, 1) : FAULTS;
      for (const workload of workloads) {
        it(workload.name, async () => {
          for (const fault of faults) await failEach(workload, form, fault, { immutable });
        });
      }
    });
  }

  describe(`short reads, ${form}`, () => {
    for (const workload of workloads) {
      it(workload.name, async () => {
        const plain = await plainly(workload, form, {});
        const stage = await stand(workload, form, {});
        const { volume } = stage.lower;
        const readWell = volume.readSync.bind(volume);
        // No more than 1,000 bytes at a time.
        volume.readSync = ((fd: number, buffer: Uint8Array, at: number, length: number, position: number) =>
          readWell(fd, buffer, at, Math.min(length, 1000), position)) as typeof volume.readSync;
        expect((await perform(stage, workload)).said).toBe(plain.said);
        expect(look(stage)).toBe(plain.after);
        await leave(stage, plain.picture);
      });
    }
  });
}
