// What an overlay has beyond node:fs takes its arguments as node:fs does.

import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

const WRONG = [undefined, null, 'x', -1, 1.5, Symbol('s'), {}] as unknown as number[];

describe('N1 arguments of linkTmpfile and whence', () => {
  const overlay = createOverlay({ lower: [] });
  const { fs } = overlay;

  it.each(WRONG)('refuse the descriptor %s as Node does', (fd) => {
    const code = typeof fd === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE';
    expect(() => overlay.linkTmpfile(fd, '/x')).toThrow(expect.objectContaining({ code }));
  });

  it('refuse a path that is none as Node does', () => {
    const fd = fs.openSync('/', fs.constants.O_RDWR | (fs.constants as unknown as { O_TMPFILE: number }).O_TMPFILE);
    for (const path of [undefined, 5, {}] as unknown as string[]) {
      expect(() => overlay.linkTmpfile(fd, path)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
      expect(() => overlay.whence(path)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    }
    expect(() => overlay.whence('a\0b')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it('T3 name an anonymous file, and say what they could not', () => {
    const fd = fs.openSync('/', fs.constants.O_RDWR | (fs.constants as unknown as { O_TMPFILE: number }).O_TMPFILE);
    overlay.linkTmpfile(fd, Buffer.from('/named'));
    expect(fs.fstatSync(fd).nlink).toBe(1);
    expect(() => overlay.linkTmpfile(fd, '/named')).toThrow("EEXIST: file already exists, link '/named'");
    fs.closeSync(fd);
    expect(() => overlay.linkTmpfile(fd, '/other')).toThrow('EBADF: bad file descriptor, link');
    expect(() => overlay.whence(new URL('file:///none'))).toThrow("ENOENT: no such file or directory, lstat '/none'");
  });
});
