import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

describe('large directories', () => {
  it('a directory of 50,000 names is listed, looked up, added to and removed from', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.mkdirSync('/d');
    for (let i = 0; i < 50_000; i++) fs.writeFileSync(`/d/f${i}`, '');
    expect(fs.readdirSync('/d')).toHaveLength(50_000);
    fs.unlinkSync('/d/f49999');
    expect(fs.readdirSync('/d')).toHaveLength(49_999);
    expect(fs.existsSync('/d/f49999')).toBe(false);
    fs.rmSync('/d', { recursive: true });
    expect(fs.readdirSync('/')).toEqual([]);
  });
});

describe('walking', () => {
  const lower = Volume.fromJSON({ '/a/b/c': 'x', '/sibling': 'y' });
  lower.symlinkSync('a/b', '/link');
  lower.symlinkSync('/a', '/a/b/up');

  it.each([
    ['/a/b/c', 'x'],
    ['//a///b//c', 'x'],
    ['/a/./b/../b/c', 'x'],
    ['/link/c', 'x'],
    ['/link/../../sibling', 'y'],
    ['/a/b/up/b/c', 'x'],
    ['/../../sibling', 'y'],
  ])('L11 %s leads to its file', (path, content) => {
    const { fs } = createOverlay({ lower });
    expect(fs.readFileSync(path, 'utf8')).toBe(content);
  });

  it('N3 a name of 255 bytes is a name, one of 256 is too long', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync(`/${'é'.repeat(127)}x`, 'fits');
    expect(() => fs.writeFileSync(`/${'é'.repeat(128)}`, '')).toThrow(/^ENAMETOOLONG: name too long, open '/);
    expect(() => fs.statSync(`/${'x'.repeat(5000)}`)).toThrow(/^ENAMETOOLONG/);
  });
});
