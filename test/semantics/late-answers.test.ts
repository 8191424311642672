// Answers of a lower that come in another order than they were asked for (N6): what is older is not taken for what is
// newer.

import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { makeWorld, quiet, type World } from '../chaos/history.ts';

const FILES = { '/d/f': 'first', '/d/g': 'other' };

/** Holds back the answer to the one question about a path that `begin` asks, as it is then; gives how to let it go and end the call. */
async function holding(
  { lower }: World,
  name: string,
  path: string,
  begin: () => Promise<unknown>,
): Promise<() => Promise<void>> {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = false;
  lower.behave = (request, answer) => {
    if (isHeld || request.name !== name || request.path !== path) return answer();
    isHeld = true;
    try {
      const now = answer();
      return gate.then(() => now);
    } catch (absent) {
      return gate.then(() => Promise.reject(absent));
    }
  };
  const call = begin().catch(() => {});
  for (let turn = 0; turn < 10; turn++) await quiet();
  expect(isHeld).toBe(true);
  return async () => {
    letGo();
    await call;
  };
}

/** Puts another file in the place of one in the lower, as editors do. */
function replace({ lower: { volume } }: World, path: string, content: string): void {
  volume.writeFileSync(`${path}.new`, content);
  volume.renameSync(`${path}.new`, path);
}

/** A call that holds an old answer about /d/f until it is let go, and is over then. */
type Late = (world: World) => Promise<() => Promise<void>>;

const LATE: Readonly<Record<string, Late>> = {
  'a look': (world) => holding(world, 'lstat', '/d/f', () => world.overlay.fs.promises.stat('/d/f')),
  'a call that waits for something else': (world) =>
    holding(world, 'lstat', '/d/copy', () => world.overlay.fs.promises.copyFile('/d/f', '/d/copy')),
};

/** How the news of /d/f come to be known. */
const NEWS = {
  'at once': async ({ overlay: { fs } }: World) => fs.openSync('/d/f', 'r+'),
  later: ({ overlay: { fs } }: World) =>
    new Promise<number>((resolve, reject) => {
      fs.open('/d/f', 'r+', (error, fd) => (error ? reject(error) : resolve(fd)));
    }),
};

describe('an answer that comes late', () => {
  for (const [how, late] of Object.entries(LATE)) {
    for (const [when, open] of Object.entries(NEWS)) {
      it(`C1 takes no name from a file that replaced the old one: ${how}, news ${when}`, async () => {
        const world = makeWorld({ files: FILES });
        const { fs } = world.overlay;
        expect(await fs.promises.readFile('/d/f', 'latin1')).toBe('first');
        const end = await late(world);
        replace(world, '/d/f', 'second!');
        const fd = await open(world);
        await end();
        fs.writeSync(fd, 'S');
        expect(fs.readFileSync('/d/f', 'latin1')).toBe('Second!');
        expect(await fs.promises.readFile('/d/f', 'latin1')).toBe('Second!');
        expect(fs.fstatSync(fd).ino).toBe(fs.statSync('/d/f').ino);
        fs.closeSync(fd);
      });

      it(`C1 shows no open file as it was before: ${how}, news ${when}`, async () => {
        const world = makeWorld({ files: FILES });
        const { fs } = world.overlay;
        expect(await fs.promises.readFile('/d/f', 'latin1')).toBe('first');
        const end = await late(world);
        world.lower.volume.writeFileSync('/d/f', 'second!');
        const fd = await open(world);
        await end();
        expect(fs.fstatSync(fd).size).toBe(7);
        expect(fs.readFileSync(fd, 'latin1')).toBe('second!');
        fs.closeSync(fd);
      });
    }
  }

  for (const [when, open] of Object.entries(NEWS)) {
    it(`C1 takes no name from a file that was not there before, news ${when}`, async () => {
      const world = makeWorld({ files: { '/d/g': 'other' } });
      const { fs } = world.overlay;
      const end = await (LATE['a look'] as Late)(world);
      world.lower.volume.writeFileSync('/d/f', 'new');
      const fd = await open(world);
      await end();
      fs.writeSync(fd, 'N');
      expect(fs.readFileSync('/d/f', 'latin1')).toBe('New');
      fs.closeSync(fd);
    });
  }

  it('L11 does not bend a link back to where it pointed', async () => {
    const world = makeWorld({ files: FILES, furnish: (volume) => volume.symlinkSync('f', '/d/l') });
    const { fs } = world.overlay;
    await fs.promises.lstat('/d/l');
    const end = await holding(world, 'readlink', '/d/l', () => fs.promises.readlink('/d/l'));
    const { volume } = world.lower;
    volume.unlinkSync('/d/l');
    volume.symlinkSync('g', '/d/l');
    expect(await fs.promises.readlink('/d/l')).toBe('g');
    await end();
    expect(fs.readlinkSync('/d/l')).toBe('g');
    expect(await fs.promises.readFile('/d/l', 'latin1')).toBe('other');
  });

  it('L11 nor one that was made anew with the same number', async () => {
    const link = { target: 'f', mtimeMs: 1000 };
    let gate: Promise<void> | undefined;
    const stats = { mode: 0o40755, size: 0, nlink: 1, ino: 1, dev: 1, mtimeMs: 1, isDirectory: () => true };
    const store = {
      lstat: async (path: string) => {
        if (path !== '/l') return stats;
        const { mtimeMs } = link;
        return { ...stats, mode: 0o120777, ino: 2, mtimeMs, ctimeMs: mtimeMs, isDirectory: () => false };
      },
      readlink: async () => {
        const { target } = link;
        await gate;
        return target;
      },
      readdir: async () => ['l'],
      readFile: async () => '',
    };
    const { fs } = createOverlay({ lower: { fs: { promises: store } } });
    await fs.promises.lstat('/l');
    let letGo = () => {};
    gate = new Promise((resolve) => {
      letGo = resolve;
    });
    const late = fs.promises.readlink('/l');
    await quiet();
    gate = undefined;
    Object.assign(link, { target: 'g', mtimeMs: 2000 });
    expect((await fs.promises.lstat('/l')).mtimeMs).toBe(2000);
    letGo();
    await late;
    expect(await fs.promises.readlink('/l')).toBe('g');
  });
});
