// W12: what was made and has gone again leaves nothing to be brought to the upper: an overlay that is never synced does
// not grow.

import { expect, it } from 'vitest';
import { Dirty } from '../../lib/tree/changing/dirty.ts';
import { OpenOverlay } from '../chaos/books.ts';

type Constants = OpenOverlay['fs']['constants'] & { readonly O_TMPFILE: number };

const WAYS: Readonly<Record<string, (fs: OpenOverlay['fs']) => void>> = {
  'a copy': (fs) => {
    fs.copyFileSync('/d/f', '/copy');
    fs.unlinkSync('/copy');
  },
  'a copy over a file': (fs) => {
    fs.writeFileSync('/copy', 'x');
    fs.copyFileSync('/d/f', '/copy');
    fs.unlinkSync('/copy');
  },
  'a file that was cut': (fs) => {
    fs.writeFileSync('/f', 'xyz');
    fs.truncateSync('/f', 1);
    fs.unlinkSync('/f');
  },
  'an anonymous file that was cut': (fs) => {
    const { O_RDWR, O_TMPFILE } = fs.constants as Constants;
    const fd = fs.openSync('/d', O_RDWR | O_TMPFILE);
    fs.writeSync(fd, 'xyz');
    fs.ftruncateSync(fd, 1);
    fs.closeSync(fd);
  },
  'an open file that was cut after its name had gone': (fs) => {
    const fd = fs.openSync('/f', 'w+');
    fs.unlinkSync('/f');
    fs.writeSync(fd, 'xyz');
    fs.ftruncateSync(fd, 1);
    fs.closeSync(fd);
  },
  'a tree': (fs) => {
    fs.mkdirSync('/n/m', { recursive: true });
    fs.writeFileSync('/n/m/f', 'x');
    fs.symlinkSync('x', '/n/l');
    fs.rmSync('/n', { recursive: true });
  },
  'a copied tree': (fs) => {
    fs.cpSync('/d', '/n', { recursive: true });
    fs.rmSync('/n', { recursive: true });
  },
};

for (const [name, come] of Object.entries(WAYS)) {
  it(`W12 nothing stays dirty of ${name}`, () => {
    const { fs, tree } = new OpenOverlay({ name: 'one', lowers: [{ files: { '/d/f': 'content' } }], immutable: true });
    const dirty = new Dirty();
    tree.dirty = dirty;
    come(fs);
    expect({ ...dirty, timed: dirty.timed.size > 1 }).toEqual({ ...new Dirty(), timed: false });
  });
}

it('W12 nothing is left to be looked at of a tree that the upper has and that was known', () => {
  const upper = { files: { '/n/m/f': 'x', '/n/g': 'y' }, directories: ['/n/e'] };
  const { fs, tree } = new OpenOverlay({ name: 'upper', lowers: [], upper, immutable: true });
  for (const name of fs.readdirSync('/n', { recursive: true })) fs.statSync(`/n/${name}`);
  fs.rmSync('/n', { recursive: true });
  expect(tree.dropped).toEqual([]);
});

it('P6 a removed directory and what was in it do not count as kept, while it is open and behind that', () => {
  const upper = { files: { '/n/g': 'y' } };
  const overlay = new OpenOverlay({ name: 'upper', lowers: [{ files: { '/other': 'o' } }], upper, immutable: true });
  const { fs } = overlay;
  const fd = fs.openSync('/n', 'r');
  fs.readdirSync('/n');
  fs.statSync('/n/g');
  fs.rmSync('/n', { recursive: true });
  overlay.audit();
  fs.closeSync(fd);
  overlay.audit();
});
