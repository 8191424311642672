// W3, W6: an upper on a disk that is full to the last block. What is removed through the overlay makes room there all
// the same.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { bytesOf, cutSync, forgetLock, leftovers, PAGE, survey, whichOf } from '../rig.ts';

const newDirectory = useDirectories();
const BLOCK = 4096;

/** A directory on a disk of so many blocks: a file takes whole ones, all else none. */
class SmallDisk {
  readonly root = newDirectory();
  /** In blocks. Changed by the tests. */
  size = Number.POSITIVE_INFINITY;
  readonly #paths = new Map<number, string>();

  get used(): number {
    const names = nodeFs.readdirSync(this.root, { recursive: true, encoding: 'utf8' });
    const files = names.map((name) => nodeFs.lstatSync(join(this.root, name))).filter((stats) => stats.isFile());
    return files.reduce((sum, { size }) => sum + Math.ceil(size / BLOCK), 0);
  }

  /** Nothing more has room. */
  fill(): void {
    this.size = this.used;
  }

  readonly fs = {
    // What is written is written by descriptor, one call after the other.
    ...Object.fromEntries(Object.entries(nodeFs).filter(([name]) => name.endsWith('Sync'))),
    writeFileSync: undefined,
    copyFileSync: undefined,
    openSync: (path: string, flags: number, mode?: number): number => {
      const fd = nodeFs.openSync(path, flags, mode);
      this.#paths.set(fd, path);
      return fd;
    },
    writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
      const before = nodeFs.fstatSync(fd).size;
      const more = Math.ceil(Math.max(before, position + length) / BLOCK) - Math.ceil(before / BLOCK);
      if (more > 0 && this.used + more > this.size) {
        const message = `ENOSPC: no space left on device, write '${this.#paths.get(fd)}'`;
        throw Object.assign(new Error(message), { code: 'ENOSPC', errno: -28, syscall: 'write' });
      }
      return nodeFs.writeSync(fd, bytes, offset, length, position);
    },
  };

  mount(): Overlay {
    return createOverlay({ lower: [], upper: { fs: this.fs, root: this.root }, pageSize: PAGE, writeback: 'manual' });
  }
}

/** A full disk with a large file, and an overlay of it. */
function newFull(): { disk: SmallDisk; overlay: Overlay } {
  const disk = new SmallDisk();
  const overlay = disk.mount();
  overlay.fs.mkdirSync('/d');
  overlay.fs.writeFileSync('/d/large', bytesOf(1, 40 * BLOCK));
  overlay.fs.writeFileSync('/small', 'small');
  overlay.syncSync();
  disk.fill();
  return { disk, overlay };
}

/** The bytes that are set aside. */
function roomOf({ root }: SmallDisk): number {
  return nodeFs.statSync(join(root, '.overfs/room')).size;
}

describe.each(['blocking', 'not blocking'] as const)('a full upper, %s', (how) => {
  const sync = async (overlay: Overlay) => (how === 'blocking' ? overlay.syncSync() : overlay.sync());

  it('W3 removes what is removed, and has room then', async () => {
    const { disk, overlay } = newFull();
    const room = roomOf(disk);
    overlay.fs.unlinkSync('/d/large');
    await sync(overlay);
    expect(nodeFs.existsSync(join(disk.root, 'd/large'))).toBe(false);
    expect(disk.used).toBe(disk.size - 40);
    expect(roomOf(disk)).toBe(room);
    expect(leftovers(nodeFs, disk.root)).toEqual([]);
    overlay.fs.writeFileSync('/d/new', bytesOf(2, 30 * BLOCK));
    await sync(overlay);
    overlay.close();
    const again = disk.mount();
    expect(again.fs.readFileSync('/d/new')).toEqual(bytesOf(2, 30 * BLOCK));
    again.close();
  });

  it('W3 W6 removes although something else of the same write-back has no room, and brings that next', async () => {
    const { disk, overlay } = newFull();
    overlay.fs.unlinkSync('/d/large');
    overlay.fs.writeFileSync('/d/new', bytesOf(2, 30 * BLOCK));
    await expect((async () => sync(overlay))()).rejects.toThrow('/d/new');
    expect(nodeFs.existsSync(join(disk.root, 'd/large'))).toBe(false);
    expect(overlay.fs.readFileSync('/d/new')).toEqual(bytesOf(2, 30 * BLOCK));
    await sync(overlay);
    expect(nodeFs.readFileSync(join(disk.root, 'd/new'))).toEqual(bytesOf(2, 30 * BLOCK));
    overlay.close();
  });

  it('W3 says ENOSPC once the room is used up too, loses nothing, and goes on when there is more', async () => {
    const { disk, overlay } = newFull();
    // Longer than what is set aside.
    for (let i = 0; i < 500; i++) overlay.fs.mkdirSync(`/d/${'x'.repeat(150)}${i}`);
    await expect((async () => sync(overlay))()).rejects.toThrow('ENOSPC');
    disk.size += 200;
    await sync(overlay);
    expect(nodeFs.readdirSync(join(disk.root, 'd'))).toHaveLength(501);
    overlay.close();
    expect(roomOf(disk)).toBe(64 * 1024);
  });

  it('W11 can be given back, mounted again and emptied', async () => {
    const { disk, overlay } = newFull();
    overlay.close();
    // The lock was a block, which somebody else has got.
    disk.fill();
    const again = disk.mount();
    expect(again.fs.readdirSync('/')).toEqual(['d', 'small']);
    again.fs.rmSync('/d', { recursive: true });
    await sync(again);
    expect(nodeFs.existsSync(join(disk.root, 'd'))).toBe(false);
    again.close();
    expect(roomOf(disk)).toBe(64 * 1024);
  });
});

it('W11: a removal on a full upper that is cut off anywhere has happened or has not', () => {
  for (let cut = 1; ; cut++) {
    const { disk, overlay } = newFull();
    const before = survey(overlay.fs);
    overlay.fs.unlinkSync('/d/large');
    const after = survey(overlay.fs);
    const isDone = cutSync(overlay, cut);
    forgetLock(nodeFs, disk.root);
    const again = disk.mount();
    expect(['before', 'after'], `cut ${cut}`).toContain(whichOf(survey(again.fs), before, after));
    again.fs.rmSync('/d', { recursive: true });
    again.syncSync();
    expect(disk.used, `cut ${cut}`).toBeLessThan(disk.size);
    again.close();
    if (isDone) break;
  }
});

it('sets nothing aside in memory', () => {
  const overlay = createOverlay({ lower: [] });
  overlay.fs.writeFileSync('/file', 'x');
  overlay.syncSync();
  const upper = overlay.upper as { readdirSync(path: string): string[] };
  expect(upper.readdirSync('/.overfs')).not.toContain('room');
  overlay.close();
});
