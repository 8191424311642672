// N6, P3: a call that is aborted while its change is on its way to the upper holds nothing any more.

import { expect, it } from 'vitest';
import { useDirectories } from '../directories.ts';
import { mount } from '../rig.ts';
import { HeldUpper } from '../when/held-upper.ts';

const newDirectory = useDirectories();

it.each(['taken', 'refused'] as const)(
  'P3, N6, W7: a file whose making is %s after writeFile was aborted is not held open',
  async (end) => {
    const held = new HeldUpper();
    const limits = { inodes: 10 };
    const upper = { fs: held.fs, root: newDirectory() };
    const overlay = mount(upper, { lower: [], writeback: 'through', limits });
    const { fs } = overlay;
    fs.writeFileSync('/file', 'before');
    const isHeld = held.arm(1, 'late');
    const abort = new AbortController();
    const written = fs.promises.writeFile('/file', ['in', 'pieces'], { signal: abort.signal });
    await isHeld;
    abort.abort();
    await expect(written).rejects.toThrow('The operation was aborted');
    if (end === 'refused') held.broken = Object.assign(new Error('EIO'), { code: 'EIO' });
    held.letGo();
    // The next change comes when that one is taken or refused.
    await fs.promises.writeFile('/other', '').catch(() => {});
    held.broken = undefined;
    expect(fs.readFileSync('/file', 'utf8')).toBe(end === 'taken' ? '' : 'before');
    for (const name of fs.readdirSync('/')) fs.unlinkSync(`/${name}`);
    const { files, ffree } = fs.statfsSync('/');
    expect(files - ffree).toBe(0);
    overlay.close();
  },
);
