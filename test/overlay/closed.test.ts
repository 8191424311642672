// What is asked of an overlay after it was closed: it can be read, and no change is taken that would reach no upper.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';

let upper = '';

beforeEach(() => {
  upper = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
});

afterEach(() => nodeFs.rmSync(upper, { recursive: true }));

const names = () => nodeFs.readdirSync(upper).filter((name) => name !== '.overfs');

const KINDS: Record<string, () => Overlay> = {
  'without an upper': () => createOverlay({ lower: [] }),
  'with a directory': () => createOverlay({ lower: [], upper }),
  'with a directory that is written through': () => createOverlay({ lower: [], upper, writeback: 'through' }),
  'with a volume': () => createOverlay({ lower: [], upper: new Volume() }),
};

describe.each(Object.entries(KINDS))('a closed overlay %s', (_, make) => {
  it.each(['close', 'await using'])('W2 takes no change that nobody would write back, after %s', async (end) => {
    const overlay = make();
    const { fs } = overlay;
    fs.writeFileSync('/kept', 'kept');
    if (end === 'close') overlay.close();
    else await overlay[Symbol.asyncDispose]();
    const before = names();
    expect(() => fs.writeFileSync('/late', 'late')).toThrow('EROFS');
    expect(() => fs.appendFileSync('/kept', 'late')).toThrow('EROFS');
    await expect(fs.promises.rm('/kept')).rejects.toThrow('EROFS');
    expect(fs.readFileSync('/kept', 'utf8')).toBe('kept');
    expect(names()).toEqual(before);
  });

  it('W1 has brought everything to its upper: sync has nothing to do', async () => {
    const overlay = make();
    overlay.fs.writeFileSync('/kept', 'kept');
    overlay.close();
    const given = overlay.upper;
    overlay.syncSync();
    await overlay.sync();
    overlay.close();
    expect(overlay.upper).toBe(given);
  });
});

describe('closing without blocking', () => {
  it('W2 takes no change while it writes back', async () => {
    const overlay = createOverlay({ lower: [], upper });
    overlay.fs.writeFileSync('/kept', 'kept');
    const closing = overlay[Symbol.asyncDispose]();
    expect(() => overlay.fs.writeFileSync('/late', 'late')).toThrow('EROFS');
    await closing;
    expect(names()).toEqual(['kept']);
  });

  it('W2 takes changes again where it fails', async () => {
    const overlay = createOverlay({ lower: [], upper });
    overlay.fs.writeFileSync('/file', 'x');
    overlay.on('command', () => {
      throw new Error('no');
    });
    await expect(overlay[Symbol.asyncDispose]()).rejects.toThrow();
    expect(() => overlay.close()).toThrow();
    overlay.removeAllListeners();
    overlay.fs.writeFileSync('/later', 'x');
    overlay.close();
    expect(names()).toEqual(['file', 'later']);
  });
});

describe('an upper that is gone', () => {
  it.each(['sync', 'syncSync'] as const)('W4 is named by the error of %s', async (form) => {
    const directory = path.join(upper, 'gone');
    nodeFs.mkdirSync(directory);
    const overlay = createOverlay({ lower: [], upper: directory });
    nodeFs.rmSync(directory, { recursive: true });
    overlay.fs.mkdirSync('/new');
    await expect((async () => overlay[form]())()).rejects.toThrow(
      `ENOENT: no such file or directory, sync '${directory}'`,
    );
  });
});

it('W14: what was held back when it was closed is refused, and does not wait for ever', async () => {
  const end = {
    now: async (overlay: Overlay) => overlay.close(),
    later: (overlay: Overlay) => overlay[Symbol.asyncDispose](),
  };
  for (const close of Object.values(end)) {
    const overlay = createOverlay({ lower: [] });
    overlay.freeze();
    const waiting = overlay.fs.promises.writeFile('/file', '');
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'EROFS' });
    await close(overlay);
    await outcome;
    expect(() => overlay.fs.writeFileSync('/file', '')).toThrow(expect.objectContaining({ code: 'EROFS' }));
  }
});
