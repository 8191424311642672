// W2, L3, T4: what is refused for good once its batch is decided, where other steps of the batch are about the same name.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { bytesOf, failing, mount, PAGE } from '../rig.ts';

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

it('W2 T4: what somebody still reads is not written over where it could not be moved away', () => {
  const upper = new Volume();
  const overlay = mount(upper, { lower: [], writeback: 'manual' });
  const { fs } = overlay;
  fs.writeFileSync('/file', bytesOf(1, PAGE));
  fs.writeFileSync('/new', 'new');
  overlay.syncSync();
  overlay.close();
  const again = mount(upper, { lower: [], writeback: 'manual', cache: { maxBytes: 0 } });
  const fd = again.fs.openSync('/file', 'r');
  again.fs.copyFileSync('/file', '/copy');
  again.fs.renameSync('/new', '/file');
  let failures = 1;
  again.on('command', (command) => {
    if (command.kind === 'rename' && command.from === '/file' && failures-- > 0) throw failing('EACCES');
  });
  expect(() => again.syncSync()).toThrow('EACCES');
  expect(failures).toBe(0);
  again.syncSync();
  expect(again.fs.readFileSync(fd).equals(bytesOf(1, PAGE))).toBe(true);
  expect(again.fs.readFileSync('/copy').equals(bytesOf(1, PAGE))).toBe(true);
  expect(upper.readFileSync('/file', 'utf8')).toBe('new');
  again.fs.closeSync(fd);
  again.close();
});

it('W2 W8: what could not be moved gives its attributes to nothing that has its new name still', () => {
  const upper = new Volume();
  const overlay = mount(upper, { lower: [], writeback: 'manual' });
  const { fs } = overlay;
  for (const name of ['/one', '/two']) fs.writeFileSync(name, name);
  fs.chmodSync('/two', 0o640);
  overlay.syncSync();
  fs.chmodSync('/one', 0o600);
  fs.renameSync('/one', '/two');
  let failures = 1;
  overlay.on('command', (command) => {
    if (command.kind === 'rename' && command.from === '/one' && failures-- > 0) throw failing('EACCES');
  });
  expect(() => overlay.syncSync()).toThrow('could not be written back');
  expect(upper.statSync('/two').mode & 0o777).toBe(0o640);
  overlay.syncSync();
  expect(upper.readFileSync('/two', 'utf8')).toBe('/one');
  expect(upper.statSync('/two').mode & 0o777).toBe(0o600);
  overlay.close();
});
