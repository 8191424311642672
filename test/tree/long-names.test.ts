// How long names and paths may be, in bytes, also where they are not UTF-8 (N3).

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

const leftovers: string[] = [];
afterEach(() => {
  for (const left of leftovers.splice(0)) nodeFs.rmSync(left, { recursive: true, force: true });
});

function scratch(): string {
  const made = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-names-'));
  leftovers.push(made);
  return made;
}

/** A name of so many bytes that are not UTF-8, below a directory. */
function odd(directory: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.alloc(length, 0xff)]);
}

describe('names with an upper', () => {
  it.each([251, 252, 255])(
    'N3, L3 of %i bytes in a lower can be removed if a whiteout of theirs is a name',
    (length) => {
      const [lower, upper] = [scratch(), scratch()];
      const name = `/${'n'.repeat(length)}`;
      nodeFs.writeFileSync(lower + name, 'below');
      const overlay = createOverlay({ lower, upper });
      const { fs } = overlay;
      const remove = [() => fs.unlinkSync(name), () => fs.renameSync(name, '/other'), () => fs.rmSync(name)];
      for (const attempt of length === 251 ? remove.slice(0, 1) : remove) {
        if (length === 251) attempt();
        else expect(attempt).toThrow('ENAMETOOLONG');
      }
      expect(fs.existsSync(name)).toBe(length !== 251);
      fs.writeFileSync('/new', 'new');
      fs.renameSync('/new', name);
      overlay.syncSync();
      expect(nodeFs.readFileSync(upper + name, 'utf8')).toBe('new');
      const own = `/${'o'.repeat(length)}`;
      fs.writeFileSync(own, 'own');
      overlay.syncSync();
      fs.unlinkSync(own);
      overlay.close();
      expect(nodeFs.existsSync(upper + own)).toBe(false);
    },
  );
});

describe('names that are not UTF-8', () => {
  it('N3 may have 255 bytes, and no more', () => {
    const { fs } = createOverlay({ lower: [] });
    const real = scratch();
    for (const [under, at] of [
      [fs, ''],
      [nodeFs, real],
    ] as const) {
      under.writeFileSync(odd(at, 255), 'all of them');
      expect(under.readFileSync(odd(at, 255), 'utf8')).toBe('all of them');
      expect(() => under.writeFileSync(odd(at, 256), '')).toThrow('ENAMETOOLONG');
    }
  });

  it('N3 are found in a lower when they are long, and through links', () => {
    const directory = scratch();
    nodeFs.writeFileSync(odd(directory, 255), 'long');
    nodeFs.symlinkSync(Buffer.alloc(255, 0xff), `${directory}/link`);
    const { fs } = createOverlay({ lower: directory });
    expect(fs.readFileSync(odd('', 255), 'utf8')).toBe('long');
    expect(fs.readFileSync('/link', 'utf8')).toBe('long');
  });

  it('N3 count byte by byte in the length of a path and the size of a link', () => {
    const { fs } = createOverlay({ lower: [] });
    const parts = Array.from({ length: 15 }, () => Buffer.concat([Buffer.alloc(250, 0xff), Buffer.from('/')]));
    fs.mkdirSync(Buffer.concat([Buffer.from('/'), ...parts]), { recursive: true });
    expect(fs.existsSync(Buffer.concat([Buffer.from('/'), ...parts]))).toBe(true);
    fs.symlinkSync(Buffer.alloc(10, 0xff), '/link');
    expect(fs.lstatSync('/link').size).toBe(10);
  });
});
