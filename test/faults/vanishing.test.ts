// Files that vanish from the lower in the middle of a call: it succeeds or fails as if that had happened before or
// after it, and what is the overlay's own stays.

import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FORMS, type Form } from '../grounds/face.ts';
import { leave, look, perform, plainly, type Stage, stand } from './stage.ts';
import { type Workload, workloads } from './workloads.ts';

/** What may be said of a file that has just gone. */
const GONE = /^Error: (ENOENT|ENOTDIR|ESTALE): /;

function vanish({ lower }: Stage, path: string): void {
  const { volume } = lower;
  if (!volume.existsSync(path)) return;
  volume.rmSync(path, { recursive: true });
  // The directory it was in is as old as before, so that looks can be compared.
  volume.utimesSync(dirname(path), 1_500_000_000, 1_500_000_000);
}

/** How the overlay looks when the file vanishes before or after the call, or when the call is not made. */
async function allowed(workload: Workload, form: Form, path: string): Promise<Set<string>> {
  const looks = new Set<string>();
  for (const acts of [['call', 'vanish'], ['vanish', 'call'], ['vanish']]) {
    const stage = await stand(workload, form, {});
    for (const act of acts) {
      if (act === 'call') await perform(stage, workload);
      else vanish(stage, path);
    }
    looks.add(look(stage));
    await leave(stage, stage.lower.picture());
  }
  return looks;
}

async function vanishAtEach(workload: Workload, form: Form): Promise<void> {
  const plain = await plainly(workload, form, {});
  for (let k = 1; k <= plain.requests; k++) {
    const stage = await stand(workload, form, {});
    let vanished = '';
    stage.lower.behave = (request, answer) => {
      if (request.number === k && request.path !== '/') {
        vanished = request.path;
        vanish(stage, vanished);
      }
      return answer();
    };
    const { said, error } = await perform(stage, workload);
    const where = `request ${k} of ${plain.requests}, ${vanished} vanished: ${said}`;
    if (error !== undefined) expect(said, where).toMatch(GONE);
    if (vanished !== '') expect([...(await allowed(workload, form, vanished))], where).toContain(look(stage));
    await leave(stage, stage.lower.picture());
  }
}

for (const form of FORMS) {
  describe(`the file of every request vanishes, ${form}`, () => {
    for (const workload of workloads) it(workload.name, () => vanishAtEach(workload, form));
  });
}
