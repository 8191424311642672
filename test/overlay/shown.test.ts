// What a person sees of an overlay who prints it, and of wrong arguments of its methods.

import nodeFs from 'node:fs';
import { inspect } from 'node:util';
import { createFsFromVolume, Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Manner } from '../../lib/index.ts';
import { useDirectories } from '../writeback/directories.ts';

const newDirectory = useDirectories();

it('console.log of an overlay shows its branches and what it holds, and none of its functions', () => {
  const directory = newDirectory();
  nodeFs.writeFileSync(`${directory}/file`, 'four');
  const overlay = createOverlay({
    lower: [{ fs: new Volume(), at: '/made', name: 'generated' }, directory, { fs: new Volume(), name: 'theme' }],
  });
  overlay.fs.readFileSync('/file');
  overlay.fs.writeFileSync('/new', 'three');
  overlay.fs.openSync('/new', 'r');
  const { entries, cachedBytes } = overlay.statistics();
  expect(inspect(overlay, { breakLength: Number.POSITIVE_INFINITY })).toBe(
    `Overlay { lowers: [ 'generated', 'lower2:${nodeFs.realpathSync(directory)}', 'theme:/' ], upper: undefined, ` +
      `dirtyBytes: 5, cachedBytes: ${cachedBytes}, entries: ${entries}, openFiles: 1, isClosed: false }`,
  );
  overlay.syncSync();
  overlay.close();
  const printed = inspect(overlay, { compact: false });
  expect(printed).toContain("\n  upper: '[Volume]',\n");
  expect(printed).toContain('\n  isClosed: true\n');
  expect(inspect([[[overlay]]])).toBe('[ [ [ [Overlay] ] ] ]');
});

it.each<[unknown, string]>([
  [null, 'The option "manner" must be an object { onProgress, signal }. Received null'],
  [5, 'The option "manner" must be an object { onProgress, signal }. Received 5'],
  [{ onProgress: 5 }, 'The option "onProgress" must be a function. Received 5'],
  [{ progress: () => {} }, 'There is no option "progress". The options are: onProgress, signal'],
])('sync(%j) and syncSync of it are refused before anything is done', async (manner, message) => {
  const overlay = createOverlay({ lower: [] });
  await expect(overlay.sync(manner as Manner)).rejects.toThrow(message);
  expect(() => overlay.syncSync(manner as Manner)).toThrow(message.replace(', signal', ''));
  expect(overlay.upper).toBeUndefined();
});

it('a signal of sync must be one, and syncSync, which nothing can abort, takes none', async () => {
  const overlay = createOverlay({ lower: [] });
  await expect(overlay.sync({ signal: {} } as Manner)).rejects.toThrow(
    'The option "signal" must be an AbortSignal. Received {}',
  );
  const message = 'There is no option "signal". The options are: onProgress';
  expect(() => overlay.syncSync({ signal: AbortSignal.abort() } as Manner)).toThrow(message);
});

it('the error of a sync tells for each file why', () => {
  const disk = createFsFromVolume(new Volume());
  const writeSync = (...given: Parameters<typeof nodeFs.writeSync>) => {
    if (String(given[1]).startsWith('refused')) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    return Reflect.apply(disk.writeSync, disk, given);
  };
  const overlay = createOverlay({ lower: [], upper: { ...disk, writeSync } });
  overlay.fs.writeFileSync('/one', 'refused');
  overlay.fs.writeFileSync('/two', 'refused too');
  overlay.fs.writeFileSync('/three', 'taken');
  expect(() => overlay.syncSync()).toThrow('could not be written back: /one (ENOSPC), /two (ENOSPC)');
});
