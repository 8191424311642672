// L9: a clock that the program passes in may throw, return nonsense, or use the overlay it belongs to: no operation is
// left half done.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { survey } from '../writeback/rig.ts';

type Fs = Overlay['fs'];

const { O_RDWR } = createOverlay({ lower: [] }).fs.constants;

/** Whose all is: nobody but root may give it to others. */
const [UID, GID] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];

/** What changes something of `/d/f`, `/d/e` or what is beside them; `fd` has `/d/f` open. */
const CHANGES: Readonly<Record<string, (fs: Fs, fd: number) => unknown>> = {
  write: (fs, fd) => fs.writeSync(fd, 'x'),
  writev: (fs, fd) => fs.writevSync(fd, [Buffer.from('x')]),
  ftruncate: (fs, fd) => fs.ftruncateSync(fd, 1),
  fchmod: (fs, fd) => fs.fchmodSync(fd, 0o600),
  fchown: (fs, fd) => fs.fchownSync(fd, UID, GID),
  futimes: (fs, fd) => fs.futimesSync(fd, 7, 7),
  appendFile: (fs) => fs.appendFileSync('/d/f', 'x'),
  chmod: (fs) => fs.chmodSync('/d/f', 0o600),
  copyFile: (fs) => fs.copyFileSync('/d/f', '/d/copy'),
  'copyFile over a file': (fs) => fs.copyFileSync('/d/f', '/d/g'),
  lchown: (fs) => fs.lchownSync('/d/l', UID, GID),
  link: (fs) => fs.linkSync('/d/f', '/d/further'),
  lutimes: (fs) => fs.lutimesSync('/d/l', 7, 7),
  mkdir: (fs) => fs.mkdirSync('/d/new'),
  'mkdir, recursive': (fs) => fs.mkdirSync('/d/new/er', { recursive: true }),
  mkdtemp: (fs) => fs.mkdtempSync('/d/new'),
  'open to truncate': (fs) => fs.openSync('/d/f', 'w'),
  'open to make': (fs) => fs.openSync('/d/new', 'a'),
  rename: (fs) => fs.renameSync('/d/f', '/d/g'),
  'rename of a directory': (fs) => fs.renameSync('/d', '/dd'),
  rm: (fs) => fs.rmSync('/d', { recursive: true }),
  rmdir: (fs) => fs.rmdirSync('/d/e'),
  symlink: (fs) => fs.symlinkSync('f', '/d/link'),
  truncate: (fs) => fs.truncateSync('/d/f', 1),
  unlink: (fs) => fs.unlinkSync('/d/f'),
  utimes: (fs) => fs.utimesSync('/d/f', 7, 7),
  writeFile: (fs) => fs.writeFileSync('/d/f', 'x'),
  'promises.writeFile': (fs) => fs.promises.writeFile('/d/f', 'x'),
  'promises.rename': (fs) => fs.promises.rename('/d/f', '/d/g'),
  'an anonymous file': (fs) => fs.openSync('/d', O_RDWR | (fs.constants as { O_TMPFILE?: number }).O_TMPFILE!),
};

/** An overlay whose clock stands still until it is told otherwise. */
function setUp(upper?: object) {
  const lower = Volume.fromJSON({ '/d/f': 'text', '/d/g': 'other' });
  lower.mkdirSync('/d/e');
  lower.symlinkSync('f', '/d/l');
  const clock = { says: (): unknown => 1e12 };
  const options = upper === undefined ? {} : { upper, writeback: 'through' as const };
  const overlay = createOverlay({ lower, cwd: '/', clock: () => clock.says() as number, ...options });
  return { overlay, fs: overlay.fs, clock };
}

describe.each([
  ['in memory', () => undefined],
  ['written through', () => new Volume()],
])('L9 a clock that fails, %s', (_, makeUpper) => {
  it.each(Object.entries(CHANGES))('%s', async (_name, change) => {
    const { overlay, fs, clock } = setUp(makeUpper());
    const fd = fs.openSync('/d/f', 'r+');
    const seen = survey(fs);
    for (const [says, error] of [
      [
        () => {
          throw new Error('no time');
        },
        { message: 'no time' },
      ],
      [() => Number.NaN, { code: 'ERR_INVALID_RETURN_VALUE', message: expect.stringContaining('"clock"') }],
      [() => fs.writeFileSync('/d/f', 'from within'), { code: 'EBUSY' }],
    ] as const) {
      // biome-ignore format: a table
      clock.says = says;
      await expect(Promise.resolve(fs).then((each) => change(each, fd))).rejects.toMatchObject(error);
      expect(survey(fs)).toEqual(seen);
      expect([...overlay.changes()]).toEqual([]);
    }
    clock.says = () => fs.statSync('/d').mtimeMs;
    await change(fs, fd);
    overlay.close();
  });
});

it.each([() => Number.POSITIVE_INFINITY, () => 8.65e15, () => 1n, () => new Date(), () => undefined])(
  'what is no time is refused at once: %s',
  (clock) => {
    const error = {
      code: 'ERR_INVALID_RETURN_VALUE',
      message: expect.stringMatching(/^The option "clock" must return/),
    };
    expect(() => createOverlay({ clock: clock as () => number })).toThrow(expect.objectContaining(error));
  },
);

it('a time before 1970 is one', () => {
  const { fs } = createOverlay({ lower: [], clock: () => -1.5 });
  fs.writeFileSync('/f', '');
  expect(fs.statSync('/f', { bigint: true }).mtimeNs).toBe(-1_500_000n);
});
