// W7, W5, W12: what comes behind a change that was refused: nothing of that goes down with it, and nobody else has it
// taken back.

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { useDirectories } from '../directories.ts';
import { bytesOf, Fault, failing, mount, PAGE } from '../rig.ts';

const newDirectory = useDirectories();

/** Lets so many microtasks go by. */
async function pass(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined;
}

it('W5 W7: a sync right behind a change that is refused does not bring that down', async () => {
  const ends = new Set<string>();
  for (let hops = 0; hops < 12; hops++) {
    const upper = newDirectory();
    const overlay = mount(upper, { lower: [], writeback: 'through' });
    const { fs } = overlay;
    const content = bytesOf(hops, PAGE + 100);
    fs.writeFileSync('/file', content);
    let failures = 1;
    overlay.on('command', ({ kind }) => {
      if (kind === 'create' && failures-- > 0) throw failing('ENOSPC');
    });
    const synced = overlay.sync().catch(() => {});
    await pass(hops);
    // Where the sync has taken it along, that is refused, and the change goes down by itself.
    const end = await fs.promises.truncate('/file', PAGE + 10).then(
      () => 'taken',
      ({ code }) => code,
    );
    await synced;
    ends.add(end);
    const wanted = end === 'taken' ? content.subarray(0, PAGE + 10) : content;
    expect(fs.readFileSync('/file').equals(wanted), `${hops}: ${end}`).toBe(true);
    expect(nodeFs.readFileSync(`${upper}/file`).equals(wanted), `${hops}: ${end}`).toBe(true);
    overlay.close();
  }
  expect([...ends]).toContain('ENOSPC');
});

it('C11 W7 L13: a synchronous call takes back nothing that is on its way to an upper with promises only', async () => {
  const volume = new Volume();
  const overlay = mount({ promises: volume.promises }, { lower: [], writeback: 'through' });
  const { fs } = overlay;
  const content = bytesOf(1, PAGE + 100);
  await fs.promises.writeFile('/file', content);
  await fs.promises.writeFile('/other', 'other');
  const cut = fs.promises.truncate('/file', PAGE + 10);
  expect(() => fs.writeFileSync('/other', 'changed')).toThrow(
    expect.objectContaining({ code: 'ERR_OVERFS_NOT_LOADED' }),
  );
  expect(() => overlay.syncSync()).toThrow(expect.objectContaining({ code: 'ERR_OVERFS_NOT_LOADED' }));
  await cut;
  const wanted = content.subarray(0, PAGE + 10);
  expect((await fs.promises.readFile('/file')).equals(wanted)).toBe(true);
  expect(Buffer.from(volume.readFileSync('/file')).equals(wanted)).toBe(true);
  expect(volume.readFileSync('/other', 'utf8')).toBe('other');
  await overlay[Symbol.asyncDispose]();
});

it('W12 W7: a change that was refused makes the next one no dearer', () => {
  const counts = ['none', 'EIO'].map((code) => {
    const overlay = mount(new Volume(), { lower: [], writeback: 'through' });
    overlay.fs.writeFileSync('/file', bytesOf(1, 3 * PAGE));
    const fault = new Fault(overlay);
    fault.arm(code === 'none' ? Number.POSITIVE_INFINITY : 1, Number.POSITIVE_INFINITY, failing(code));
    if (code !== 'none') expect(() => overlay.fs.truncateSync('/file', 1)).toThrow(code);
    fault.disarm();
    overlay.fs.writeFileSync('/file', bytesOf(2, 3 * PAGE));
    const moves = fault.seen.filter(({ kind }) => kind === 'rename').length;
    overlay.close();
    return moves;
  });
  expect(counts[1]).toBe(counts[0]);
});
