// What a listing costs grows as what it shows, and no faster, also where it has to ask about each name.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { growth } from './steps.ts';

/** Far from 16, and some way above 4: sorting is among the steps. */
const IN_PROPORTION = 6;

/** A lower with promises only, whose listings tell no types. */
function later(volume: InstanceType<typeof Volume>) {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    lstat: async (path: string) => turn().then(() => volume.lstatSync(path)),
    readdir: async (path: string) => turn().then(() => volume.readdirSync(path)),
    readlink: async (path: string) => turn().then(() => volume.readlinkSync(path)),
    readFile: async (path: string) => turn().then(() => volume.readFileSync(path)),
  };
}

function overFiles(count: number): Overlay {
  const volume = new Volume();
  for (let i = 0; i < count; i++) volume.writeFileSync(`/f${i}`, '');
  return createOverlay({ lower: { promises: later(volume) } });
}

function overLinks(count: number): Overlay {
  const volume = new Volume();
  volume.mkdirSync('/d');
  for (let i = 0; i < count; i++) volume.symlinkSync(i % 2 === 0 ? 'd' : 'nowhere', `/l${i}`);
  return createOverlay({ lower: { promises: later(volume) } });
}

it('of names with types that the lower does not tell', async () => {
  const factor = await growth(100, (count) => {
    const overlay = overFiles(count);
    return async () => {
      const entries = await overlay.fs.promises.readdir('/', { withFileTypes: true });
      expect(entries.every((entry) => entry.isFile())).toBe(true);
      expect(entries.length).toBe(count);
    };
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});

it('of everything below a directory with links in it', async () => {
  const factor = await growth(100, (count) => {
    const overlay = overLinks(count);
    return async () => expect((await overlay.fs.promises.readdir('/', { recursive: true })).length).toBe(count + 1);
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});
