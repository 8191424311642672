// Every request of every call made to fail: the call gets that error, in words; nothing is half done; a second try
// succeeds; the quota is exact; nothing stays open; the lower is as it was.

import { describe, expect, it } from 'vitest';
import type { Given } from '../chaos/history.ts';
import { FORMS, type Form } from '../grounds/face.ts';
import { branchError } from './lower.ts';
import { faithful, leave, look, perform, plainly, stand } from './stage.ts';
import { type Workload, workloads } from './workloads.ts';

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
