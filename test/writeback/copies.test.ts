// P8, W9, W10: copies that share bytes with a file of the upper, made and changed while that file is being written
// back.

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../lib/index.ts';
import { useDirectories } from './directories.ts';
import { bytesOf, bytesTold, type FileSystem, mount, PAGE, without } from './rig.ts';

const newDirectory = useDirectories();

const OLD = bytesOf(1, 5 * PAGE);
const NEW = bytesOf(2, 5 * PAGE);

/** What an upper is made of: of one that cannot copy files the bytes are read and written. */
const UPPERS = {
  'a volume': () => new Volume(),
  'a directory that cannot copy': () => ({ fs: without('at once', 'copyFile'), root: newDirectory() }),
} as const;

/** An overlay that keeps nothing in memory that the upper has, and a file in the upper. */
function rig(kind: keyof typeof UPPERS = 'a volume') {
  const upper = UPPERS[kind]();
  const mountAgain = () => mount(upper, { cache: { maxBytes: 0 } });
  const overlay = mountAgain();
  overlay.fs.writeFileSync('/file', OLD);
  overlay.syncSync();
  /** Writes back, and calls before the first command that `when` wants. */
  const syncMeanwhile = async (when: (command: Command) => boolean, call: (fs: FileSystem) => void) => {
    let isDone = false;
    overlay.on('command', (command) => {
      if (isDone || !when(command)) return;
      isDone = true;
      call(overlay.fs);
    });
    await overlay.sync();
    expect(isDone).toBe(true);
  };
  return { overlay, fs: overlay.fs, mountAgain, syncMeanwhile };
}

const CHANGES: [string, (fs: FileSystem) => void, Buffer][] = [
  ['cut', (fs) => fs.truncateSync('/file', 10), OLD.subarray(0, 10)],
  [
    'written in the middle',
    (fs) => {
      const fd = fs.openSync('/file', 'r+');
      fs.writeSync(fd, NEW, 0, PAGE, 2 * PAGE);
      fs.closeSync(fd);
    },
    Buffer.concat([OLD.subarray(0, 2 * PAGE), NEW.subarray(0, PAGE), OLD.subarray(3 * PAGE)]),
  ],
  ['written anew', (fs) => fs.writeFileSync('/file', NEW), NEW],
];

const CHANGES_OF_UPPERS = (Object.keys(UPPERS) as (keyof typeof UPPERS)[]).flatMap((kind) =>
  CHANGES.map(([name, change, changed]) => [name, kind, change, changed] as const),
);

it.each(CHANGES_OF_UPPERS)(
  'P8 W9: a copy of a copy keeps its bytes when the file that they come from is %s meanwhile, in %s',
  async (_, kind, change, changed) => {
    const { overlay, fs, mountAgain, syncMeanwhile } = rig(kind);
    fs.copyFileSync('/file', '/copy');
    change(fs);
    await syncMeanwhile(
      ({ kind }) => kind === 'rename',
      () => fs.copyFileSync('/copy', '/other'),
    );
    const check = (shown: FileSystem) => {
      expect(Buffer.compare(shown.readFileSync('/file') as Buffer, changed)).toBe(0);
      expect(Buffer.compare(shown.readFileSync('/copy') as Buffer, OLD)).toBe(0);
      expect(Buffer.compare(shown.readFileSync('/other') as Buffer, OLD)).toBe(0);
    };
    check(fs);
    overlay.close();
    const again = mountAgain();
    check(again.fs);
    again.close();
  },
);

it.each(CHANGES)(
  'a file that is %s, and becomes a copy of its old self meanwhile, has its old bytes',
  async (_, change) => {
    const { overlay, fs, mountAgain, syncMeanwhile } = rig();
    fs.copyFileSync('/file', '/copy');
    change(fs);
    await syncMeanwhile(
      ({ kind }) => kind === 'rename',
      () => fs.copyFileSync('/copy', '/file'),
    );
    expect(Buffer.compare(fs.readFileSync('/file') as Buffer, OLD)).toBe(0);
    overlay.close();
    const again = mountAgain();
    expect(Buffer.compare(again.fs.readFileSync('/file') as Buffer, OLD)).toBe(0);
    again.close();
  },
);

it('a file that was written anew and then becomes a copy of its old self does not take the copies with it', async () => {
  const { overlay, fs, mountAgain, syncMeanwhile } = rig();
  fs.copyFileSync('/file', '/copy');
  fs.writeFileSync('/file', NEW);
  await syncMeanwhile(
    (command) => command.kind === 'rename' && command.from === '/file',
    () => fs.copyFileSync('/copy', '/other'),
  );
  fs.copyFileSync('/other', '/file');
  fs.truncateSync('/other', 3 * PAGE);
  overlay.syncSync();
  const check = (shown: FileSystem) => {
    expect(Buffer.compare(shown.readFileSync('/file') as Buffer, OLD)).toBe(0);
    expect(Buffer.compare(shown.readFileSync('/copy') as Buffer, OLD)).toBe(0);
    expect(Buffer.compare(shown.readFileSync('/other') as Buffer, OLD.subarray(0, 3 * PAGE))).toBe(0);
  };
  check(fs);
  overlay.close();
  const again = mountAgain();
  check(again.fs);
  again.close();
});

it('W2: a file that comes back to a name which still holds its old content is written there again', () => {
  const { overlay, fs, mountAgain } = rig();
  fs.renameSync('/file', '/elsewhere');
  fs.writeFileSync('/elsewhere', NEW);
  fs.writeFileSync('/file', 'never written');
  let isFull = true;
  overlay.on('command', (command) => {
    if (isFull && bytesTold(command)?.toString() === 'never written') {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    }
  });
  expect(() => overlay.syncSync()).toThrow('/file');
  isFull = false;
  fs.renameSync('/elsewhere', '/file');
  overlay.close();
  const again = mountAgain();
  expect(Buffer.compare(again.fs.readFileSync('/file') as Buffer, NEW)).toBe(0);
  expect(again.fs.existsSync('/elsewhere')).toBe(false);
  again.close();
});

const ENDS: [string, (fs: FileSystem) => void, Buffer | undefined][] = [
  ['removed', (fs) => fs.unlinkSync('/other'), undefined],
  ['cut', (fs) => fs.truncateSync('/other'), Buffer.alloc(0)],
  ['written anew', (fs) => fs.writeFileSync('/other', NEW), NEW],
  ['made a copy of another', (fs) => fs.copyFileSync('/file', '/other'), CHANGES[1]?.[2]],
  ['replaced', (fs) => fs.renameSync('/file', '/other'), CHANGES[1]?.[2]],
];

describe.each(['list', 'create'])('W10: a copy that has its bytes from the work area, at the first %s', (kind) => {
  it.each(ENDS)('%s, is no failure', async (_, end, bytes) => {
    const { overlay, fs, mountAgain, syncMeanwhile } = rig();
    fs.copyFileSync('/file', '/copy');
    CHANGES[1]?.[1](fs);
    await syncMeanwhile(
      ({ kind }) => kind === 'rename',
      () => fs.copyFileSync('/copy', '/other'),
    );
    const failures: unknown[] = [];
    overlay.on('writeback-error', (failure) => failures.push(failure));
    await syncMeanwhile(
      (command) => command.kind === kind,
      () => end(fs),
    );
    expect(failures).toEqual([]);
    overlay.close();
    const again = mountAgain();
    expect(again.fs.existsSync('/other')).toBe(bytes !== undefined);
    if (bytes !== undefined) expect(Buffer.compare(again.fs.readFileSync('/other') as Buffer, bytes)).toBe(0);
    expect(Buffer.compare(again.fs.readFileSync('/copy') as Buffer, OLD)).toBe(0);
    again.close();
  });
});

it.each(['stays', 'moves'])(
  'P8: a copy can be read at every command when its source is written anew and its directory %s',
  (how) => {
    const overlay = mount(new Volume(), { cache: { maxBytes: 0 } });
    const { fs } = overlay;
    fs.writeFileSync('/src/f0', OLD);
    fs.writeFileSync('/copy', 'something else');
    overlay.syncSync();
    fs.copyFileSync('/src/f0', '/copy');
    fs.writeFileSync('/src/f0', NEW);
    if (how === 'moves') fs.renameSync('/src', '/moved');
    const moved = how === 'moves' ? '/moved/f0' : '/src/f0';
    let commands = 0;
    overlay.on('command', () => {
      commands++;
      expect(Buffer.compare(fs.readFileSync('/copy'), OLD)).toBe(0);
      expect(Buffer.compare(fs.readFileSync(moved), NEW)).toBe(0);
    });
    overlay.syncSync();
    expect(commands).toBeGreaterThan(10);
    overlay.close();
  },
);

it('C10: a file that is written anew can be read when the upper has its new name and has not said so', async () => {
  const root = newDirectory();
  let renamed = () => {};
  const rename = (from: string, to: string, done: (error: Error | null) => void) => {
    nodeFs.rename(from, to, (error) => {
      renamed();
      done(error);
    });
  };
  // So little is not kept open when it has been read.
  nodeFs.writeFileSync(`${root}/file`, OLD.subarray(0, 3 * PAGE));
  const overlay = mount({ fs: { ...nodeFs, promises: undefined, rename }, root }, { cache: { maxBytes: 0 } });
  const { fs } = overlay;
  const fd = fs.openSync('/file', 'r+');
  fs.writeSync(fd, NEW, 0, 2 * PAGE, 0);
  fs.closeSync(fd);
  const wanted = Buffer.concat([NEW.subarray(0, 2 * PAGE), OLD.subarray(2 * PAGE, 3 * PAGE)]);
  renamed = () => expect(Buffer.compare(fs.readFileSync('/file'), wanted)).toBe(0);
  await overlay.sync();
  expect(Buffer.compare(nodeFs.readFileSync(`${root}/file`), wanted)).toBe(0);
  overlay.close();
});
