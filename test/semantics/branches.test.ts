// Branches that answer late, never, strangely, or with news (N6, L13, C9): what becomes of the calls that wait for
// them.

import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { type Given, makeWorld, quiet } from '../chaos/history.ts';
import { survey } from '../chaos/survey.ts';
import { transpileLibrary } from '../transpiled.ts';

const FILES = { '/d/f': 'first', '/d/g': 'second', '/e/long': 'L'.repeat(9000) };
const GIVEN: Given = { files: FILES };

const leftovers: string[] = [];
afterEach(() => {
  for (const left of leftovers.splice(0)) nodeFs.rmSync(left, { recursive: true, force: true });
});

function scratch(): string {
  const made = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-semantics-'));
  leftovers.push(made);
  return made;
}

const never = (): Promise<never> => new Promise(() => {});

async function rejectionOf(promise: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  return promise.then(
    () => Promise.reject(new Error('nothing was rejected')),
    (error) => error,
  );
}

describe('a branch promise that never settles', () => {
  for (const immutable of [false, true]) {
    // A branch that nobody changes is not asked again after a read.
    for (const name of ['lstat', 'readdir', 'open', 'read', 'readFile', ...(immutable ? [] : ['fstat'])]) {
      it(`L13 blocks only its own call: ${name}, ${immutable ? 'immutable' : 'may change'}`, async () => {
        const { lower, overlay } = makeWorld({ ...GIVEN, immutable, speech: 'promises' });
        let hangs = 0;
        if (name === 'readFile') Reflect.deleteProperty(Reflect.get(lower.fs, 'promises'), 'open');
        const { fs } = createOverlay({ lower: { fs: lower.fs, immutable }, pageSize: 4096 });
        lower.behave = (request, answer) => {
          if (request.name === name && (name === 'readdir' || /\/(f|long)$/.test(request.path)) && hangs++ === 0)
            return never();
          return answer();
        };
        let settled = 0;
        const call = () => (name === 'readdir' ? fs.promises.readdir('/d') : fs.promises.readFile('/e/long', 'latin1'));
        const first = call().finally(() => settled++);
        first.catch(() => {});
        await quiet();
        expect(hangs).toBe(1);
        expect(await fs.promises.readFile('/d/g', 'latin1')).toBe('second');
        const again = name === 'readdir' ? ['f', 'g'] : FILES['/e/long'];
        expect(await Promise.all([call(), call()])).toEqual([again, again]);
        expect(settled).toBe(0);
        overlay.close();
      });
    }
  }

  it('N6 an aborted call ends although its branch never answers', async () => {
    const { lower, overlay } = makeWorld(GIVEN);
    lower.behave = never;
    const abort = new AbortController();
    const reading = rejectionOf(overlay.fs.promises.readFile('/d/f', { signal: abort.signal }));
    await quiet();
    abort.abort();
    expect(await reading).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
  });
});

describe('a branch that rejects with something strange', () => {
  const strange: readonly [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a string', 'no luck today'],
    ['a number', 42],
    ['an object', { reason: 'none' }],
    ['a function', () => {}],
    ['an error without a code', new RangeError('far away')],
    ['an error with a code of its own', Object.assign(new Error('busy'), { code: 'E_MY_DATABASE' })],
  ];
  for (const [what, thrown] of strange) {
    it(`L13 becomes that call's error with the path: ${what}`, async () => {
      const { lower, overlay } = makeWorld(GIVEN);
      lower.behave = () => Promise.reject(thrown);
      const failures = await Promise.all([
        rejectionOf(overlay.fs.promises.stat('/d/f')),
        rejectionOf(overlay.fs.promises.writeFile('/d/f', 'x')),
        new Promise<NodeJS.ErrnoException | null>((resolve) => overlay.fs.readdir('/d', resolve)),
      ]);
      expect(failures.map((error) => error?.message)).toEqual([
        "EIO: i/o error, stat '/d/f'",
        "EIO: i/o error, open '/d/f'",
        "EIO: i/o error, scandir '/d'",
      ]);
      for (const error of failures) expect(error?.cause).toBe(thrown);
    });
  }

  it('L13 a function that throws before it returns a promise is no different', async () => {
    const fs = {
      promises: {
        lstat: () => {
          throw 'at once';
        },
        readdir: () => [],
        readFile: () => '',
      },
    };
    const overlay = createOverlay({ lower: { fs } });
    expect(await rejectionOf(overlay.fs.promises.stat('/f'))).toMatchObject({
      code: 'EIO',
      path: '/f',
      cause: 'at once',
    });
  });
});

describe('N6 an aborted call changes nothing after the abort', () => {
  it('N6 writeFile, appendFile: whenever the abort comes, all is written or nothing', async () => {
    for (const call of ['writeFile', 'appendFile'] as const) {
      for (let stop = 0, reached = true; reached; stop++) {
        reached = false;
        const { lower, overlay } = makeWorld(GIVEN);
        const before = survey(overlay);
        const abort = new AbortController();
        let at = 0;
        lower.behave = async (_request, answer) => {
          await quiet();
          if (at++ === stop) {
            reached = true;
            abort.abort();
          }
          return answer();
        };
        const outcome = await Promise.allSettled([overlay.fs.promises[call]('/d/f', 'new', { signal: abort.signal })]);
        await quiet();
        await quiet();
        lower.behave = (_request, answer) => answer();
        expect(outcome[0].status).toBe(reached ? 'rejected' : 'fulfilled');
        if (reached) expect(survey(overlay)).toBe(before);
      }
    }
  });
});

describe('answers and news', () => {
  it('N6 a call that begins after the lower was changed sees the change, though the same was asked before', async () => {
    const { lower, overlay } = makeWorld(GIVEN);
    const { fs } = overlay;
    await fs.promises.stat('/d/f');
    let letGo: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    // The first answer is old when it arrives.
    lower.behave = async (_request, answer) => {
      lower.behave = (_later, ask) => ask();
      const old = answer();
      await gate;
      return old;
    };
    const before = fs.promises.stat('/d/f');
    await quiet();
    lower.volume.writeFileSync('/d/f', 'much longer');
    const after = fs.promises.stat('/d/f');
    await quiet();
    letGo?.();
    expect((await after).size).toBe(11);
    // What the later call saw is known by then.
    expect((await before).size).toBe(11);
  });

  for (const form of ['sync', 'callback'] as const) {
    it(`C7 a clean file that is written below while it is open is read as it is now, ${form}`, async () => {
      const { lower, overlay } = makeWorld(GIVEN);
      const { fs } = overlay;
      const fd = fs.openSync('/e/long', 'r');
      lower.volume.writeFileSync('/e/long', 'shorter');
      const buffer = Buffer.alloc(10);
      const bytes =
        form === 'sync'
          ? fs.readSync(fd, buffer, 0, 10, 0)
          : await new Promise<number>((resolve, reject) =>
              fs.read(fd, buffer, 0, 10, 0, (error, count) => (error ? reject(error) : resolve(count))),
            );
      expect(buffer.toString('latin1', 0, bytes)).toBe('shorter');
    });
  }

  it('C7 a file that changes faster than it can be read is ESTALE, after a bounded number of looks', async () => {
    const { lower, overlay } = makeWorld(GIVEN);
    let turn = 0;
    lower.behave = ({ name }, answer) => {
      const answered = answer();
      if (name === 'lstat' || name === 'read') lower.volume.writeFileSync('/e/long', 'x'.repeat(9000 + turn++));
      return answered;
    };
    const failure = await rejectionOf(overlay.fs.promises.readFile('/e/long'));
    expect(failure).toMatchObject({ code: 'ESTALE' });
    expect(lower.count).toBeLessThan(100);
    expect(() => overlay.fs.readFileSync('/e/long')).toThrow('ESTALE');
  });
});

describe('restarts', () => {
  it('N6 a call asks each question once, however many there are, and many together', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `/many/f${i}`);
    const { lower, overlay } = makeWorld({
      files: Object.fromEntries(names.map((name) => [name, ''])),
      speech: 'promises',
    });
    // Without types in its listings each name must be looked at.
    let [underWay, most] = [0, 0];
    lower.behave = async ({ name }, answer) => {
      most = Math.max(most, ++underWay);
      await quiet();
      underWay--;
      return name === 'readdir' ? lower.volume.readdirSync('/many') : answer();
    };
    const entries = await overlay.fs.promises.readdir('/many', { withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile())).toHaveLength(1000);
    expect(most).toBeGreaterThan(30);
    expect(lower.count).toBeLessThan(1020);
    expect(new Set(lower.requests.map(({ name, path: at }) => `${name} ${at}`)).size).toBeGreaterThan(lower.count - 10);
  });
});

describe('what goes wrong outside', () => {
  it('N6 a callback that throws is an uncaughtException, also after a stop; nothing is left unhandled', () => {
    const directory = scratch();
    const program = `
      import { createOverlay } from ${JSON.stringify(transpileLibrary(directory))};
      const answers = [];
      process.on('uncaughtException', (error) => answers.push(error.message));
      process.on('unhandledRejection', (error) => answers.push('unhandled ' + error));
      const later = (value) => new Promise((resolve) => setTimeout(resolve, 1, value));
      const stats = { mode: 0o100644, size: 0, nlink: 1, mtimeMs: 0, isDirectory: () => false };
      const fs = { promises: { lstat: (path) => later(path === '/' ? { ...stats, mode: 0o40755 } : stats), readdir: () => later([]), readFile: () => later('') } };
      const overlay = createOverlay({ lower: { fs } });
      overlay.fs.stat('/f', () => { throw new Error('after a stop'); });
      setTimeout(() => {
        overlay.fs.exists('/f/', () => { throw new Error('exists'); });
        overlay.fs.mkdir('/d', () => { throw new Error('without a stop'); });
        overlay.fs.stat('/none/x', () => { throw new Error('after an error'); });
      }, 50);
      setTimeout(() => console.log(answers.sort().join()), 200);
    `;
    const file = path.join(directory, 'program.mjs');
    nodeFs.writeFileSync(file, program);
    const said = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    expect(said.trim()).toBe('after a stop,after an error,exists,without a stop');
  });
});

describe('special files', () => {
  /** How many descriptors of this process are of that device. */
  const openOf = (device: string): number =>
    nodeFs.readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return nodeFs.readlinkSync(`/proc/self/fd/${fd}`) === device;
      } catch {
        // The one that the listing itself had open.
        return false;
      }
    }).length;

  it.runIf(process.platform === 'linux')('L1 a device that is opened for nothing is closed again', async () => {
    const { fs } = createOverlay();
    const before = openOf('/dev/null');
    for (let i = 0; i < 5; i++) {
      await fs.promises.writeFile('/dev/null', 'x').catch(() => {});
      const fd = await new Promise<number>((resolve, reject) =>
        fs.open('/dev/null', 'r+', (error, opened) => (error ? reject(error) : resolve(opened))),
      );
      expect(fs.writeSync(fd, 'gone')).toBe(4);
      fs.closeSync(fd);
    }
    // Closing is done in the thread pool.
    await vi.waitFor(() => expect(openOf('/dev/null')).toBe(before), { timeout: 10_000 });
  });

  it('L1 closing a device twice, at once and when the overlay ends, closes no other file', async () => {
    const overlay = createOverlay();
    const fd = await new Promise<number>((resolve, reject) =>
      overlay.fs.open('/dev/null', 'r', (error, opened) => (error ? reject(error) : resolve(opened))),
    );
    overlay.fs.closeSync(fd);
    await quiet();
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Takes the number that was just given back.
    const file = path.join(scratch(), 'mine');
    const mine = nodeFs.openSync(file, 'w');
    overlay.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(nodeFs.writeSync(mine, 'still open')).toBe(10);
    nodeFs.closeSync(mine);
  });
});
