// Streams of what is in memory let others have their turns, as those of a disk do.

import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';

/** Reads `/file`, which is 20 pieces of 64 KiB long, to its end. */
const READERS: Readonly<Record<string, (fs: FileSystem) => Promise<void>>> = {
  async createReadStream(fs) {
    for await (const _ of fs.createReadStream('/file'));
  },
  async 'FileHandle.createReadStream'(fs) {
    for await (const _ of (await fs.promises.open('/file')).createReadStream());
  },
  async 'FileHandle.readLines'(fs) {
    for await (const _ of (await fs.promises.open('/file')).readLines());
  },
  async 'FileHandle.readableWebStream'(fs) {
    await using handle = await fs.promises.open('/file');
    for await (const _ of handle.readableWebStream());
  },
  async 'Blob.stream'(fs) {
    for await (const _ of (await fs.openAsBlob('/file')).stream());
  },
  async createWriteStream(fs) {
    const stream = fs.createWriteStream('/file');
    for (let i = 0; i < 20; i++) {
      if (!stream.write(Buffer.alloc(65_536))) await new Promise<void>((resolve) => stream.once('drain', resolve));
    }
    await new Promise<void>((resolve) => stream.end(resolve));
  },
};

describe('turns', () => {
  it.each(Object.entries(READERS))('%s', async (_name, read) => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/file', Buffer.alloc(20 * 65_536, 'line\n'));
    let turns = 0;
    const count = (): void => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await read(fs);
    clearImmediate(timer);
    expect(turns).toBeGreaterThanOrEqual(19);
  });
});
