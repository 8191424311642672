// Branches that fail, lie, give short measure or vanish: always a bare error, never a descriptor left open.

import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AsyncRequests, type Fingerprint, type Requests, SAME } from '../../lib/branch/branch.ts';
import { Errno } from '../../lib/errno.ts';
import {
  branchOf,
  type Interposed,
  interposedCallbacks,
  interposedPromises,
  interposedSync,
  present,
  scratch,
  text,
} from './rig.ts';

const CONTENT = 'the quick brown fox jumps over the lazy dog';

/** The ways to ask, each over node:fs with all calls interposed. */
const WAYS = [
  { way: 'sync', make: interposedSync },
  { way: 'callbacks', make: interposedCallbacks },
  { way: 'promises', make: interposedPromises },
] as const;

/** A file in a scratch directory, a branch over interposed node:fs, and the count of what that has open. */
function stage(make: (interpose: Interposed) => object, interpose: Interposed) {
  const directory = scratch();
  const file = path.join(directory, 'file');
  nodeFs.writeFileSync(file, CONTENT);
  // Read a minute from now, so that reading it does not change that (relatime).
  nodeFs.utimesSync(file, Date.now() / 1000 + 60, 1_700_000_000);
  nodeFs.symlinkSync('file', path.join(directory, 'link'));
  let open = 0;
  const opened = () => {
    open += 1;
  };
  const fs = make((name, given, goOn) => {
    const counted = (...passed: unknown[]) => {
      // Even a close that fails has closed (Linux, close(2)).
      if (name === 'close') open -= 1;
      const answer = goOn(...passed);
      if (name === 'open') Promise.resolve(answer).then(opened, () => {});
      return answer;
    };
    return interpose(name, given, counted);
  });
  const branch = branchOf(fs);
  const ask: Requests | AsyncRequests = branch.sync ?? asked(branch.async);
  return { ask, branch, directory, file, openCount: () => open };
}

function asked(requests: AsyncRequests | undefined): AsyncRequests {
  if (requests === undefined) throw new Error('cannot be asked');
  return requests;
}

/** Everything that can be asked about the file, one after the other; what each gave or threw. */
async function askAll(
  ask: Requests | AsyncRequests,
  directory: string,
  print: Fingerprint & Parameters<Requests['revalidate']>[1],
) {
  const file = path.join(directory, 'file');
  const questions: (() => unknown)[] = [
    () => ask.lstat(file),
    () => ('revalidate' in ask ? ask.revalidate(file, print) : undefined),
    () => ask.list(directory),
    () => ask.readlink(path.join(directory, 'link')),
    () => ask.read(file, print, 4, 5),
    () => ask.read(file, print, 10, 1000),
    async () => (await ask.statfs(directory))?.bsize,
  ];
  const outcomes: { value?: unknown; thrown?: unknown }[] = [];
  for (const question of questions) {
    try {
      outcomes.push({ value: await question() });
    } catch (thrown) {
      outcomes.push({ thrown });
    }
  }
  return outcomes;
}

const STRANGE: readonly [string, unknown, string][] = [
  ['EIO', Object.assign(new Error('EIO: i/o error'), { code: 'EIO', errno: -5 }), 'EIO'],
  ['EACCES', Object.assign(new Error('no'), { code: 'EACCES' }), 'EACCES'],
  ['an error with a code of its own', Object.assign(new Error('no'), { code: 'E_HTTP_500' }), 'EIO'],
  ['an error without a code', new Error('no'), 'EIO'],
  ['a string', 'no', 'EIO'],
  ['an object', { no: true }, 'EIO'],
  ['a number', 7, 'EIO'],
];

for (const { way, make } of WAYS) {
  describe(`a branch that fails (${way})`, () => {
    for (const [what, strange, code] of STRANGE) {
      it(`throwing ${what} at any call: a bare ${code} for that question, and nothing stays open`, async () => {
        let calls = 0;
        let failing = -1;
        const interpose: Interposed = (name, given, goOn) => {
          calls += 1;
          if (calls === failing) {
            // The descriptor is gone even so.
            if (name === 'close') goOn(...given);
            throw strange;
          }
          return goOn(...given);
        };
        const { ask, branch, directory, file, openCount } = stage(make, interpose);
        const print = present(await ask.lstat(file));
        calls = 0;
        const right = await askAll(ask, directory, print);
        expect(right.filter(({ thrown }) => thrown !== undefined)).toEqual([]);
        const each = calls;
        expect(each).toBeGreaterThanOrEqual(8);
        for (let k = 1; k <= each; k++) {
          calls = 0;
          failing = k;
          const outcomes = await askAll(ask, directory, print);
          failing = -1;
          const failed = outcomes.filter(({ thrown }) => thrown !== undefined);
          expect(failed.length).toBeLessThanOrEqual(1);
          for (const { thrown } of failed) {
            expect(thrown).toBeInstanceOf(Errno);
            expect((thrown as Errno).code).toBe(code);
            if (code === 'EIO' && what !== 'EIO') expect((thrown as Errno).cause).toBe(strange);
          }
          const after = await askAll(ask, directory, print);
          expect(after.map(({ value }) => value)).toEqual(right.map(({ value }) => value));
        }
        branch.close();
        await new Promise(setImmediate);
        expect(openCount()).toBe(0);
      });
    }

    it('throwing undefined is still an error', async () => {
      const { ask, file } = stage(make, () => {
        throw undefined;
      });
      await expect((async () => ask.lstat(file))()).rejects.toMatchObject({ code: 'EIO' });
    });

    it('reading short is read on to the end', async () => {
      const { ask, file } = stage(make, (name, given, goOn) => {
        if (name !== 'read') return goOn(...given);
        const [handle, ...rest] = way === 'promises' ? [undefined, ...given] : given;
        const [target, at, length, position] = rest as [Uint8Array, number, number, number];
        const short = [target, at, Math.min(length, 3), position];
        return goOn(...(way === 'promises' ? short : [handle, ...short]));
      });
      const print = present(await ask.lstat(file));
      expect(text(await ask.read(file, print, 0, 1000))).toBe(CONTENT);
      expect(text(await ask.read(file, print, 4, 11))).toBe(CONTENT.slice(4, 15));
    });

    it.each([-1, 1.5, 1000, Number.NaN, 'many', undefined])('counting %s bytes is an error', async (count) => {
      const { ask, branch, file, openCount } = stage(make, (name, given, goOn) =>
        name === 'read' ? { bytesRead: count } : goOn(...given),
      );
      const print = present(await ask.lstat(file));
      await expect((async () => ask.read(file, print, 0, 10))()).rejects.toMatchObject({ code: 'EIO' });
      branch.close();
      await new Promise(setImmediate);
      expect(openCount()).toBe(0);
    });

    it.each([
      ['lstat', 'a string'],
      ['lstat', { size: 5 }],
      ['readdir', 'a string'],
      ['readdir', [1]],
      ['readdir', [{ name: {} }]],
      ['readlink', 5],
    ])('%s giving %j is an error', async (asked, answer) => {
      const { ask, directory, file } = stage(make, (name, given, goOn) => (name === asked ? answer : goOn(...given)));
      const question = {
        lstat: () => ask.lstat(file),
        readdir: () => ask.list(directory),
        readlink: () => ask.readlink(file),
      };
      await expect((async () => question[asked as keyof typeof question]())()).rejects.toBeInstanceOf(Errno);
    });

    it('vanishing between the look and the opening, or between opening and reading', async () => {
      let removeAt = 'open';
      const { ask, branch, directory, file, openCount } = stage(make, (name, given, goOn) => {
        if (name === removeAt) nodeFs.rmSync(file, { force: true });
        return goOn(...given);
      });
      const print = present(await ask.lstat(file));
      expect(await ask.read(file, print, 0, 10)).toBeUndefined();

      nodeFs.writeFileSync(file, CONTENT);
      const again = present(await ask.lstat(file));
      removeAt = 'read';
      // What is open is still the file of this fingerprint, name or not.
      expect(text(await ask.read(file, again, 0, 10))).toBe(CONTENT.slice(0, 10));
      expect(await ask.lstat(file)).toBeUndefined();
      if ('revalidate' in ask) expect(ask.revalidate(file, again)).toBeUndefined();
      expect(await ask.list(path.join(directory, 'gone'))).toBeUndefined();
      branch.close();
      await new Promise(setImmediate);
      expect(openCount()).toBe(0);
    });

    it('C7 changing while it is read: no bytes, rather than a mixture', async () => {
      let change = () => {};
      const { ask, file } = stage(make, (name, given, goOn) => {
        const answer = goOn(...given);
        if (name !== 'read') return answer;
        if (!(answer instanceof Promise)) change();
        return answer instanceof Promise ? answer.finally(() => change()) : answer;
      });
      const print = present(await ask.lstat(file));
      change = () => nodeFs.appendFileSync(file, '!');
      expect(await ask.read(file, print, 0, 10)).toBeUndefined();
      change = () => {};
      const after = present(await ask.lstat(file));
      expect(text(await ask.read(file, after, 0, 1000))).toBe(`${CONTENT}!`);
      expect(await ask.read(file, print, 0, 10)).toBeUndefined();
    });

    it.each(['directory', 'link', 'FIFO', 'other file'])(
      'C7 a %s in the place of the file: no bytes, no waiting',
      async (kind) => {
        const { ask, directory, file } = stage(make, (_, given, goOn) => goOn(...given));
        const print = present(await ask.lstat(file));
        nodeFs.rmSync(file);
        if (kind === 'directory') nodeFs.mkdirSync(file);
        else if (kind === 'link') nodeFs.symlinkSync(path.join(directory, 'other'), file);
        else if (kind === 'FIFO') execFileSync('mkfifo', [file]);
        nodeFs.writeFileSync(path.join(directory, 'other'), CONTENT);
        if (kind === 'other file') nodeFs.renameSync(path.join(directory, 'other'), file);
        expect(await ask.read(file, print, 0, 10)).toBeUndefined();
        const now = 'revalidate' in ask ? ask.revalidate(file, print) : await ask.lstat(file);
        expect(now).not.toBe(SAME);
        expect(now).toBeDefined();
        expect(now).not.toEqual(print);
      },
    );
  });
}
