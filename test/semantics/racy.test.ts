// C7 within one tick of the lower's clock: a file changed twice in it, to the same length, shows the same size and
// times both times.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';
import { type FileSystem, FORMS, faceOf } from '../grounds/face.ts';

const NOON = Date.UTC(2020, 5, 1, 12);

/** Lowers whose clock counts in milliseconds. */
const LOWERS: Readonly<
  Record<string, () => { readonly writable: Pick<FileSystem, 'writeFileSync'>; readonly fs: object }>
> = {
  'a memfs volume': () => {
    const volume = Volume.fromJSON({});
    return { writable: volume as unknown as FileSystem, fs: volume };
  },
  'another overlay': () => {
    const { fs } = createOverlay({ lower: [] });
    return { writable: fs, fs };
  },
  'a lower that answers later': () => {
    const { volume, fs } = new WatchedLower('both');
    return { writable: volume as unknown as FileSystem, fs };
  },
  'functions that read whole files only': () => {
    const volume = Volume.fromJSON({});
    const fs = {
      lstatSync: volume.lstatSync.bind(volume),
      readdirSync: volume.readdirSync.bind(volume),
      readFileSync: volume.readFileSync.bind(volume),
    };
    return { writable: volume as unknown as FileSystem, fs };
  },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(Object.entries(LOWERS))('%s', (_name, make) => {
  it.each(FORMS)('C7 a change within the tick of the one before is seen, %s', async (form) => {
    const { writable, fs: lower } = make();
    const { fs } = createOverlay({ lower, pageSize: 4096 });
    const face = faceOf(fs, form, '/');
    for (const letter of 'abc') {
      writable.writeFileSync('/f', letter.repeat(10_000));
      expect(`${await face.readFile('/f', 'latin1')}`).toBe(letter.repeat(10_000));
    }
  });

  it('reads a file once where nothing changes it, as soon as the tick is over', () => {
    const { writable, fs: lower } = make();
    const overlay = createOverlay({ lower, pageSize: 4096 });
    writable.writeFileSync('/f', 'x'.repeat(10_000));
    const fills = () => {
      overlay.fs.readFileSync('/f');
      return overlay.statistics().fills;
    };
    expect([fills(), fills()]).toEqual([3, 6]);
    vi.setSystemTime(NOON + 20);
    expect([fills(), fills(), fills()]).toEqual([9, 9, 9]);
  });
});

it('an immutable lower is read once, however young its files are', () => {
  const overlay = createOverlay({ lower: { fs: Volume.fromJSON({ '/f': 'x' }), immutable: true } });
  overlay.fs.readFileSync('/f');
  overlay.fs.readFileSync('/f');
  expect(overlay.statistics()).toMatchObject({ hits: 1, fills: 1 });
});

it('C7 a read that was sent before the change is in doubt, however late the answer comes', async () => {
  const lower = new WatchedLower('both');
  lower.volume.fromJSON({ '/f': 'old' });
  const overlay = createOverlay({ lower: { fs: lower.fs } });
  lower.behave = async (request, answer) => {
    const given = answer();
    if (request.name === 'read') {
      lower.volume.writeFileSync('/f', 'new');
      vi.setSystemTime(NOON + 1000);
    }
    return given;
  };
  expect(await overlay.fs.promises.readFile('/f', 'utf8')).toBe('old');
  lower.behave = (_request, answer) => answer();
  expect(await overlay.fs.promises.readFile('/f', 'utf8')).toBe('new');
});

it('C7 files of the disk, whose ticks depend on the kernel', () => {
  vi.useRealTimers();
  const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-racy-'));
  try {
    const { fs } = createOverlay({ lower: directory });
    for (let i = 0; i < 200; i++) {
      const text = String.fromCharCode(97 + (i % 26)).repeat(100);
      nodeFs.writeFileSync(path.join(directory, 'f'), text);
      expect(fs.readFileSync('/f', 'utf8')).toBe(text);
    }
  } finally {
    nodeFs.rmSync(directory, { recursive: true });
  }
});
