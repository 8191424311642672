// Where memfs cannot be had, as in a bundle that was taken elsewhere, whoever wants the default upper hears what to do.

import { Volume } from 'memfs';
import { expect, it, vi } from 'vitest';
import { createOverlay, UpperError } from '../../lib/index.ts';

vi.mock('node:module', async (original) => ({
  ...(await original<typeof import('node:module')>()),
  createRequire: () => () => {
    throw new Error("Cannot find module 'memfs'");
  },
}));

const SAID = `Without an upper, what is written goes to a memfs Volume, and memfs cannot be loaded: Cannot find module 'memfs'; install \
it beside overfs, or give an upper ("upper: new Volume()")`;

it('sync and syncSync without an upper, and writing through to none, say so', async () => {
  const overlay = createOverlay({ lower: [] });
  expect(() => overlay.syncSync()).toThrow(SAID);
  const error = await overlay.sync().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UpperError);
  expect(error).toMatchObject({ code: 'ERR_OVERFS_UPPER', message: SAID });
  expect(() => createOverlay({ lower: [], writeback: 'through' })).toThrow(SAID);
});

it('an overlay that is given an upper, and one that ends without any, does not want it', async () => {
  const upper = new Volume();
  const overlay = createOverlay({ lower: [], upper });
  overlay.fs.writeFileSync('/a', 'kept');
  await overlay.sync();
  expect(upper.readFileSync('/a', 'utf8')).toBe('kept');
  const other = createOverlay({ lower: [] });
  other.fs.writeFileSync('/a', 'lost');
  expect(() => other.close()).not.toThrow();
});
