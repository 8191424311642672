// W13: writing over bytes of another user that are still dirty; writing through, discarding, taking over.

import nodeFs from 'node:fs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { failing, leftovers, PAGE, type UpperFs, writeAt } from '../rig.ts';
import { ActingUpper, failuresOf, makeShared, openScene, promisesOf, type Scene, thrownBy } from './acting.ts';

const newDirectory = useDirectories();

/** With a file in the upper that everybody may write. */
function open(options: object = {}): Scene {
  const scene = openScene(options);
  makeShared(scene.own, '/shared');
  scene.overlay.syncSync();
  return scene;
}

/** How many commands a call makes. */
function commandsOf(overlay: Overlay, call: () => void): number {
  let count = 0;
  const listener = () => void count++;
  overlay.on('command', listener);
  call();
  overlay.off('command', listener);
  return count;
}

it('W13: writing over another author’s bytes has them written back first', () => {
  const { upper, overlay, one, two } = open();
  writeAt(one, '/shared', 'first of one', 0);
  expect(commandsOf(overlay, () => writeAt(two, '/shared', 'two', 20))).toBe(0);
  expect(commandsOf(overlay, () => writeAt(one, '/shared', 'once more of one', 0))).toBe(0);
  expect(commandsOf(overlay, () => writeAt(two, '/shared', 'over', 5))).toBeGreaterThan(0);
  expect(upper.read('/shared')).toBe('once more of one\0\0\0\0two');
  expect(upper.writersOf('once')).toEqual([1]);
  overlay.syncSync();
  expect(upper.read('/shared')).toBe('once over of one\0\0\0\0two');
  expect(upper.writersOf('over')).toEqual([2]);
  overlay.close();
});

it('W13: so does writing a whole file over it in place, or appending where there are none; truncating does not', () => {
  const { upper, overlay, own, one, two } = open();
  writeAt(one, '/shared', 'of one', 0);
  expect(commandsOf(overlay, () => two.appendFileSync('/shared', ' and two'))).toBe(0);
  expect(commandsOf(overlay, () => own.writeFileSync('/shared', 'OF', { flag: 'r+' }))).toBeGreaterThan(0);
  expect(upper.read('/shared')).toBe('of one and two');
  expect(commandsOf(overlay, () => two.writeFileSync('/shared', 'new'))).toBe(0);
  expect(commandsOf(overlay, () => one.truncateSync('/shared', 1))).toBe(0);
  overlay.syncSync();
  expect(upper.read('/shared')).toBe('n');
  overlay.close();
});

it('W13: where that is refused only what is written over is lost', () => {
  const { upper, overlay, one, two } = open();
  upper.refusals.set(1, { code: 'EACCES', at: 'open' });
  writeAt(one, '/shared', 'YYYYYYYYYY', 0);
  const fd = two.openSync('/shared', 'r+');
  two.writeSync(fd, 'ZZ', 4);
  // Who had the file open hears that it could not be written (W4).
  expect(thrownBy(() => two.closeSync(fd)).code).toBe('EACCES');
  expect(two.readFileSync('/shared', 'utf8')).toBe('YYYYZZYYYY');
  expect(failuresOf(overlay)).toEqual(['EACCES /shared']);
  expect(upper.read('/shared')).toBe('\0\0\0\0'.concat('ZZ'));
  expect(upper.writersOf('ZZ')).toEqual([2]);
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.read('/shared')).toBe('YYYYZZYYYY');
  expect(upper.writersOf('YYYY')).toEqual([1]);
  overlay.close();
});

it('W13: it is so for calls that wait, and in the middle of a write-back', async () => {
  const { upper, overlay, one, two } = open();
  await one.promises.writeFile('/shared', 'first of one');
  const handle = await two.promises.open('/shared', 'r+');
  const syncing = overlay.sync();
  await handle.write('over', 0);
  await syncing;
  expect(upper.read('/shared')).toBe('first of one');
  await overlay.sync();
  expect(upper.read('/shared')).toBe('overt of one');
  expect(upper.writersOf('first')).toEqual([1]);
  await handle.close();
  overlay.close();
});

it('W13: from within a write-back no other author is waited for', () => {
  const { upper, overlay, own, one, two } = open();
  writeAt(one, '/shared', 'YYYY', 0);
  own.writeFileSync('/other', 'other');
  const once = () => writeAt(two, '/shared', 'ZZ', 1);
  overlay.once('command', once);
  overlay.syncSync();
  expect(own.readFileSync('/shared', 'utf8')).toBe('YZZY');
  overlay.syncSync();
  expect(upper.read('/shared')).toBe('YZZY');
  expect(upper.writersOf('ZZ')).toEqual([2]);
  overlay.close();
});

it('W13: writing through, a refusal is that of the call, and leaves the file and the others’ data as they were', () => {
  const { upper, overlay, own, one, two } = open({ writeback: 'through' });
  own.appendFileSync('/shared', 'own');
  one.appendFileSync('/shared', 'one');
  expect(upper.read('/shared')).toBe('ownone');
  upper.refusals.set(2, { code: 'EDQUOT', at: 'write' });
  expect(thrownBy(() => two.appendFileSync('/shared', 'two')).code).toBe('EDQUOT');
  expect(thrownBy(() => writeAt(two, '/shared', 'two', 0)).code).toBe('EDQUOT');
  expect(thrownBy(() => two.writeFileSync('/new', 'two')).code).toBe('EDQUOT');
  expect(own.readFileSync('/shared', 'utf8')).toBe('ownone');
  expect(own.existsSync('/new')).toBe(false);
  one.appendFileSync('/shared', 'more');
  expect(upper.read('/shared')).toBe('ownonemore');
  expect(upper.writersOf('two')).toEqual([]);
  upper.refusals.clear();
  two.appendFileSync('/shared', 'two');
  expect(upper.read('/shared')).toBe('ownonemoretwo');
  expect(upper.writersOf('two')).toEqual([2]);
  overlay.close();
});

it('W13: what is given up is what was refused and no more', () => {
  const { upper, overlay, own, one, two } = open({ writeback: { onError: 'discard' } });
  own.writeFileSync('/shared', 'x'.repeat(3 * PAGE));
  overlay.syncSync();
  upper.refusals.set(2, { code: 'EDQUOT', at: 'write' });
  writeAt(one, '/shared', 'one', 10);
  writeAt(two, '/shared', 'two', 20);
  writeAt(two, '/shared', 'two', 2 * PAGE);
  writeAt(two, '/shared', 'two', 5 * PAGE);
  own.chmodSync('/big', 0o666);
  writeAt(two, '/big', 'two', 5);
  const lower = own.readFileSync('/src/f3');
  const told: object[] = [];
  overlay.on('writeback-error', (failure) => told.push(failure));
  expect(failuresOf(overlay).sort()).toEqual(['EDQUOT /big', 'EDQUOT /shared']);
  const wanted = `${'x'.repeat(10)}one${'x'.repeat(3 * PAGE - 13)}`;
  expect(own.readFileSync('/shared', 'utf8')).toBe(wanted);
  expect(upper.read('/shared')).toBe(wanted);
  expect(own.readFileSync('/src/f3')).toEqual(lower);
  expect(told.every((each) => (each as { discarded: boolean }).discarded)).toBe(true);
  expect(overlay.statistics().dirtyBytes).toBe(0);
  overlay.syncSync();
  expect(upper.read('/shared')).toBe(wanted);
  // Who writes afterwards finds nothing of it.
  one.appendFileSync('/shared', 'end');
  overlay.syncSync();
  expect(upper.read('/shared')).toBe(`${wanted}end`);
  overlay.close();
});

it('W13: a take-over of a write-back that is under way writes for the same authors', async () => {
  const { upper, overlay, own, one, two } = open();
  one.appendFileSync('/shared', 'of one');
  two.appendFileSync('/shared', 'of two');
  one.writeFileSync('/new', 'new of one');
  upper.refusals.set(2, { code: 'EACCES', at: 'open' });
  const syncing = overlay.sync().catch((thrown: AggregateError) => thrown);
  expect(failuresOf(overlay)).toEqual(['EACCES /shared']);
  expect(upper.read('/shared')).toBe('of one');
  expect(upper.read('/new')).toBe('new of one');
  await syncing;
  expect(own.readFileSync('/shared', 'utf8')).toBe('of oneof two');
  expect(upper.writersOf('of two')).toEqual([]);
  upper.refusals.clear();
  await overlay.sync();
  expect(upper.read('/shared')).toBe('of oneof two');
  expect(upper.writersOf('of two')).toEqual([2]);
  expect(leftovers(upper.volume as unknown as UpperFs)).toEqual([]);
  overlay.close();
});

it('W13: an upper with promises only, whose authors have promises only', async () => {
  const root = newDirectory();
  nodeFs.chmodSync(root, 0o777);
  const writers: string[] = [];
  let refused = 0;
  const fsOf = (uid: number) =>
    promisesOf({
      ...nodeFs,
      writeSync: (fd: number, bytes: Uint8Array, at: number, length: number, position: number) => {
        if (uid > 0 && uid === refused) throw failing('EDQUOT');
        writers.push(`${uid} ${Buffer.from(bytes).toString('latin1').slice(0, 5)}`);
        return nodeFs.writeSync(fd, bytes, at, length, position);
      },
    });
  const upper = { fs: fsOf(0), root, as: ({ uid }: { uid: number }) => fsOf(uid) };
  const overlay = createOverlay({ lower: [], upper, pageSize: PAGE, umask: 0 });
  const { promises } = overlay.fs;
  await promises.chmod('/', 0o777);
  const [one, two] = [overlay.as({ uid: 1, gid: 1 }), overlay.as({ uid: 2, gid: 2 })];
  await promises.writeFile('/shared', 'own');
  await promises.chmod('/shared', 0o666);
  await one.promises.appendFile('/shared', 'one');
  await two.promises.appendFile('/shared', 'two');
  refused = 2;
  const thrown = await overlay.sync().catch((failure: AggregateError) => failure);
  expect((thrown as AggregateError).errors.map(({ code, path }) => `${code} ${path}`)).toEqual(['EDQUOT /shared']);
  expect(nodeFs.readFileSync(`${root}/shared`, 'utf8')).toBe('ownone');
  expect(writers).toContain('1 one');
  expect(writers.filter((each) => each.includes('two'))).toEqual([]);
  refused = 0;
  await overlay.sync();
  expect(nodeFs.readFileSync(`${root}/shared`, 'utf8')).toBe('ownonetwo');
  expect(writers).toContain('2 two');
  await overlay[Symbol.asyncDispose]();
});

it('W13: an `as` that throws is that author’s refusal, and asked again', () => {
  const upper = new ActingUpper();
  let what: unknown = failing('EPERM');
  const as = (who: { uid: number }) => {
    if (who.uid === 2 && what !== undefined) throw what;
    return upper.as(who);
  };
  const overlay = createOverlay({ lower: [], upper: { fs: upper.fs, as }, umask: 0 });
  overlay.fs.chmodSync('/', 0o777);
  const [one, two] = [overlay.as({ uid: 1, gid: 1 }), overlay.as({ uid: 2, gid: 2 })];
  one.writeFileSync('/one', 'one');
  two.writeFileSync('/two', 'two');
  expect(failuresOf(overlay)).toEqual(['EPERM /two']);
  what = 'no reason';
  expect(failuresOf(overlay)).toEqual(['EACCES /two']);
  what = failing('EIO');
  expect(failuresOf(overlay)).toEqual(['EIO /two']);
  expect(upper.read('/one')).toBe('one');
  expect(upper.read('/two')).toBeUndefined();
  what = undefined;
  overlay.syncSync();
  expect(upper.read('/two')).toBe('two');
  overlay.close();
});

it('W13: what is wrong with `as` is told at once, and by its name', () => {
  const { fs } = new ActingUpper();
  const wrong = thrownBy(() => createOverlay({ upper: { fs, as: 'me' as unknown as () => object } }));
  expect([wrong.code, wrong.message]).toEqual([
    'ERR_INVALID_ARG_TYPE',
    `The option "upper.as" must be a function of credentials. Received 'me'`,
  ]);
  const none = createOverlay({ lower: [], upper: { fs, as: () => 5 as unknown as object } });
  const nothing = thrownBy(() => none.as({ uid: 1, gid: 1 }));
  expect([nothing.code, nothing.message]).toEqual([
    'ERR_INVALID_RETURN_VALUE',
    'The function "upper.as" must return an fs-like object. Received 5',
  ]);
  none.close();
  const poor = createOverlay({ lower: [], upper: { fs, as: () => ({ statSync() {}, readdirSync() {} }) } });
  const lacking = thrownBy(() => poor.as({ uid: 1, gid: 1 }));
  expect([lacking.code, lacking.message]).toEqual([
    'ERR_OVERFS_BRANCH',
    'The branch "upper.as" has no function mkdir, which this needs',
  ]);
  poor.close();
  const credentials = { uid: 1, gid: 1 };
  expect(() => createOverlay({ credentials, upper: { fs, as: () => [] } })).toThrow('upper.as');
});

it('W13: an author with an asynchronous fs only is refused in a synchronous call, and gets his turn in a later one', async () => {
  const root = newDirectory();
  nodeFs.chmodSync(root, 0o777);
  const overlay = createOverlay({ lower: [], upper: { root, as: () => promisesOf(nodeFs) }, umask: 0 });
  overlay.as({ uid: 0, gid: 1 }).writeFileSync('/file', 'of somebody');
  overlay.fs.writeFileSync('/own', 'own');
  expect(failuresOf(overlay)).toEqual(['ENOSYS /file']);
  expect(nodeFs.readFileSync(`${root}/own`, 'utf8')).toBe('own');
  await overlay.sync();
  expect(nodeFs.readFileSync(`${root}/file`, 'utf8')).toBe('of somebody');
  overlay.close();
});
