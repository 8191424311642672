/**
 * Short cuts of walks: whatever happens to a directory on the way, a path that was walked before leads where it leads now. Every call
 * that walks a path in full (`stat`) or up to its last name (`open` to create) is made before and after.
 */

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

type Fs = typeof nodeFs;

const FILE = '/a/b/c/file';

function lower() {
  return Volume.fromJSON({ [FILE]: 'from the lower', '/other/b/c/file': 'from the other' });
}

/** What the path leads to now, by a full walk and by one up to the last name. */
function seen(fs: Fs): string {
  let content: string;
  try {
    content = fs.readFileSync(FILE, 'utf8');
  } catch (error) {
    content = String((error as NodeJS.ErrnoException).code);
  }
  let made: string;
  try {
    fs.writeFileSync('/a/b/c/probe', '');
    fs.unlinkSync('/a/b/c/probe');
    made = 'writable';
  } catch (error) {
    made = String((error as NodeJS.ErrnoException).code);
  }
  return `${content}, ${made}`;
}

describe('a path walked before', () => {
  const changes: [string, (fs: Fs) => void, string][] = [
    ['a rename of its directory', (fs) => fs.renameSync('/a/b/c', '/moved'), 'ENOENT, ENOENT'],
    ['a rename of a directory above', (fs) => fs.renameSync('/a', '/moved'), 'ENOENT, ENOENT'],
    ['rm -r of a directory above', (fs) => fs.rmSync('/a', { recursive: true }), 'ENOENT, ENOENT'],
    [
      'rm -r, and the directories made anew',
      (fs) => {
        fs.rmSync('/a', { recursive: true });
        fs.mkdirSync('/a/b/c', { recursive: true });
      },
      'ENOENT, writable',
    ],
    [
      'a directory above replaced by another',
      (fs) => {
        fs.renameSync('/a/b', '/moved');
        fs.renameSync('/other/b', '/a/b');
      },
      'from the other, writable',
    ],
    [
      'an empty directory replaced by rename',
      (fs) => {
        fs.unlinkSync(FILE);
        fs.renameSync('/other/b/c', '/a/b/c');
      },
      'from the other, writable',
    ],
    [
      'a directory above replaced by a link',
      (fs) => {
        fs.renameSync('/a', '/moved');
        fs.symlinkSync('/other', '/a');
      },
      'from the other, writable',
    ],
    [
      'a directory above replaced by a file',
      (fs) => {
        fs.rmSync('/a/b', { recursive: true });
        fs.writeFileSync('/a/b', '');
      },
      'ENOTDIR, ENOTDIR',
    ],
  ];

  it.each(changes)('L9 after %s leads where it leads now', (_, change, then) => {
    const { fs } = createOverlay({ lower: lower() });
    expect(seen(fs)).toBe('from the lower, writable');
    change(fs);
    expect(seen(fs)).toBe(then);
  });

  it.each(['/', '/a', '/a/b', '/a/b/c'])('N5 leads nowhere once %s may not be searched', (above) => {
    const credentials = { uid: 1000, gid: 1000 };
    const { fs } = createOverlay({ credentials, lower: [] });
    fs.mkdirSync('/a/b/c', { recursive: true });
    fs.writeFileSync(FILE, 'mine');
    expect(seen(fs)).toBe('mine, writable');
    fs.chmodSync(above, 0o600);
    expect(seen(fs)).toBe('EACCES, EACCES');
    fs.chmodSync(above, 0o700);
    expect(seen(fs)).toBe('mine, writable');
  });

  it('L11 through a link that now points elsewhere leads there', () => {
    const { fs } = createOverlay({ lower: lower() });
    fs.symlinkSync('/a', '/link');
    expect(fs.readFileSync('/link/b/c/file', 'utf8')).toBe('from the lower');
    expect(fs.readFileSync('/link/b/c/../c/file', 'utf8')).toBe('from the lower');
    fs.unlinkSync('/link');
    fs.symlinkSync('/other', '/link');
    expect(fs.readFileSync('/link/b/c/file', 'utf8')).toBe('from the other');
    expect(fs.readFileSync('/link/b/c/../c/file', 'utf8')).toBe('from the other');
  });

  it('L11 with dots leads where the directories lead now', () => {
    const { fs } = createOverlay({ lower: lower() });
    const dotted = '/other/../a/./b//c/file';
    expect(fs.readFileSync(dotted, 'utf8')).toBe('from the lower');
    fs.renameSync('/a', '/moved');
    fs.renameSync('/other', '/a');
    expect(() => fs.readFileSync(dotted, 'utf8')).toThrow('ENOENT');
    fs.mkdirSync('/other');
    expect(fs.readFileSync(dotted, 'utf8')).toBe('from the other');
  });

  it('L9 into a directory that is moved in turn leads where it leads now', () => {
    const { fs } = createOverlay({ lower: lower() });
    fs.mkdirSync('/x');
    expect(seen(fs)).toBe('from the lower, writable');
    fs.renameSync('/a/b', '/x/b');
    expect(fs.readFileSync('/x/b/c/file', 'utf8')).toBe('from the lower');
    fs.renameSync('/x', '/y');
    expect(() => fs.readFileSync('/x/b/c/file', 'utf8')).toThrow('ENOENT');
    expect(fs.readFileSync('/y/b/c/file', 'utf8')).toBe('from the lower');
  });

  it('is not confused with another of the same length', () => {
    const { fs } = createOverlay({ lower: [] });
    const names = Array.from({ length: 500 }, (_, index) => `/${String(index).padStart(3, '0')}/in/side`);
    for (const name of names) fs.mkdirSync(name, { recursive: true });
    for (const name of names) fs.writeFileSync(`${name}/file`, name);
    for (const name of names) expect(fs.readFileSync(`${name}/file`, 'utf8')).toBe(name);
  });
});

describe('a path walked before, over a lower that may change', () => {
  const made: string[] = [];
  afterEach(() => {
    for (const directory of made.splice(0)) nodeFs.rmSync(directory, { recursive: true, force: true });
  });

  function lowerDirectory(): string {
    const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-ways-'));
    made.push(directory);
    nodeFs.mkdirSync(`${directory}/a/b/c`, { recursive: true });
    nodeFs.writeFileSync(`${directory}${FILE}`, 'from the lower');
    return directory;
  }

  it('leads nowhere once the lower has lost a directory', () => {
    const directory = lowerDirectory();
    const { fs } = createOverlay({ lower: directory });
    expect(fs.readFileSync(FILE, 'utf8')).toBe('from the lower');
    nodeFs.rmSync(`${directory}/a/b`, { recursive: true });
    expect(fs.existsSync(FILE)).toBe(false);
    expect(() => fs.writeFileSync('/a/b/c/new', '')).toThrow('ENOENT');
  });

  it('leads to what the lower has in the place now', () => {
    const directory = lowerDirectory();
    const { fs } = createOverlay({ lower: directory });
    expect(fs.readFileSync(FILE, 'utf8')).toBe('from the lower');
    nodeFs.renameSync(`${directory}/a/b`, `${directory}/a/old`);
    nodeFs.mkdirSync(`${directory}/a/b/c`, { recursive: true });
    nodeFs.writeFileSync(`${directory}${FILE}`, 'new in the lower');
    expect(fs.readFileSync(FILE, 'utf8')).toBe('new in the lower');
  });
});
