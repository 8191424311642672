// W2, L3: a further name that is refused for good once its batch is decided is brought later, and the whiteout in its place stays until then.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { failing, mount } from '../rig.ts';

it('W2 L3: a link in the place of a whiteout, refused for good, comes with the next write-back', () => {
  const lower = Volume.fromJSON({ '/one': 'one', '/two': 'two' });
  const upper = new Volume();
  const overlay = mount(upper, { lower: { fs: lower, immutable: true }, writeback: 'manual' });
  const { fs } = overlay;
  fs.appendFileSync('/one', ' and more');
  fs.unlinkSync('/two');
  overlay.syncSync();
  fs.linkSync('/one', '/two');
  let failures = 1;
  overlay.on('command', (command) => {
    if (command.kind === 'rename' && command.to === '/two' && failures-- > 0) throw failing('EACCES');
  });
  expect(() => overlay.syncSync()).toThrow('could not be written back');
  expect(failures).toBe(0);
  expect(upper.existsSync('/.wh.two')).toBe(true);
  overlay.syncSync();
  expect(upper.readFileSync('/two', 'utf8')).toBe('one and more');
  expect(upper.statSync('/two').ino).toBe(upper.statSync('/one').ino);
  expect(upper.existsSync('/.wh.two')).toBe(false);
  overlay.close();
});
