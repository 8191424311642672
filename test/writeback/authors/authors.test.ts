// W13: what was written under a credential gets to the upper under that credential. What the upper refuses is not
// written under another one: it stays dirty and readable, and does not hold up what others wrote.

import { setImmediate } from 'node:timers/promises';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { collect } from '../../pages/collector.ts';
import { bytesOf, forgetLock, leftovers, newLower, PAGE, type UpperFs, writeAt } from '../rig.ts';
import { ActingUpper, failuresOf, makeShared, openScene, type Scene, thrownBy } from './acting.ts';

/** The next process mounts the upper. */
function again({ upper, overlay }: Scene): Overlay {
  overlay.removeAllListeners();
  forgetLock(upper.volume as unknown as UpperFs);
  const { fs, as } = upper;
  return createOverlay({ lower: newLower(), upper: { fs, as }, pageSize: PAGE });
}

const full = { code: 'EDQUOT', at: 'write' } as const;
const forbidden = { code: 'EACCES', at: 'open' } as const;

it('W13: each writes what it has written, to one file and to several', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/shared', 'own own own');
  one.appendFileSync('/shared', 'one one one');
  two.appendFileSync('/shared', 'two two two');
  one.writeFileSync('/of-one', 'only one');
  overlay.syncSync();
  expect(upper.read('/shared')).toBe('own own ownone one onetwo two two');
  expect(upper.read('/of-one')).toBe('only one');
  expect(upper.writersOf('own own')).toEqual([0]);
  expect(upper.writersOf('one one')).toEqual([1]);
  expect(upper.writersOf('two two')).toEqual([2]);
  expect(upper.writersOf('only one')).toEqual([1]);
  // Owners, modes and the work area are as ever.
  expect(upper.volume.statSync('/shared')).toMatchObject({ uid: own.statSync('/shared').uid, mode: 0o100666 });
  expect(upper.volume.statSync('/of-one')).toMatchObject({ uid: 1, gid: 1 });
  expect(leftovers(upper.volume as unknown as UpperFs)).toEqual([]);
  overlay.close();
});

it('W13: `as` is asked once for each credential, and the commands tell for whom they are', () => {
  const { upper, overlay, one } = openScene();
  overlay.as({ uid: 1, gid: 1, groups: [] });
  overlay.as({ uid: 1, gid: 1, groups: [5, 4] });
  const told = new Set<string>();
  overlay.on('command', ({ kind, as }) => void (as && told.add(`${kind} ${JSON.stringify(as)}`)));
  one.writeFileSync('/file', 'of one');
  overlay.syncSync();
  one.writeFileSync('/file', 'of one again');
  overlay.syncSync();
  expect(upper.asked).toEqual([
    { uid: 1, gid: 1, groups: [] },
    { uid: 2, gid: 2, groups: [] },
    { uid: 1, gid: 1, groups: [4, 5] },
  ]);
  const who = '{"uid":1,"gid":1,"groups":[]}';
  expect([...told].sort()).toEqual([`close ${who}`, `open ${who}`, `write ${who}`]);
  overlay.close();
});

it('W13: an author who is refused stops no other, and his data is written by no other', () => {
  const { upper, overlay, own, one, two, told } = openScene();
  makeShared(own, '/shared', 'own own own');
  one.appendFileSync('/shared', 'one one one');
  two.appendFileSync('/shared', 'two two two');
  own.appendFileSync('/shared', 'own again');
  two.writeFileSync('/of-two', 'only two');
  const fd = own.openSync('/shared', 'r');
  upper.refusals.set(2, full);
  expect(failuresOf(overlay).sort()).toEqual(['EDQUOT /of-two', 'EDQUOT /shared']);
  // The hole is as it was before: zeros.
  expect(upper.read('/shared')).toBe(`own own ownone one one${'\0'.repeat(11)}own again`);
  expect(upper.read('/of-two')).toBeUndefined();
  expect(upper.writersOf('two two')).toEqual([]);
  expect(own.readFileSync('/shared', 'utf8')).toBe('own own ownone one onetwo two twoown again');
  expect(two.readFileSync('/of-two', 'utf8')).toBe('only two');
  const as = { uid: 2, gid: 2, groups: [] };
  expect(told).toContainEqual({ path: '/shared', code: 'EDQUOT', discarded: false, as });
  expect(told).toContainEqual({ path: '/of-two', code: 'EDQUOT', discarded: false, as });
  expect(told.map((each) => (each as { path: string }).path).sort()).toEqual(['/of-two', '/shared']);
  expect(thrownBy(() => own.fsyncSync(fd)).code).toBe('EDQUOT');
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.read('/shared')).toBe('own own ownone one onetwo two twoown again');
  expect(upper.read('/of-two')).toBe('only two');
  expect(upper.writersOf('two two')).toEqual([2]);
  expect(upper.writersOf('only two')).toEqual([2]);
  own.closeSync(fd);
  overlay.close();
});

it('W13: what has arrived is clean, what was refused is all that is tried again', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/shared');
  writeAt(one, '/shared', 'one', 0);
  writeAt(two, '/shared', 'two', 2 * PAGE);
  writeAt(one, '/shared', 'one', 2 * PAGE + 100);
  upper.refusals.set(2, forbidden);
  failuresOf(overlay);
  const before = overlay.statistics().dirtyBytes;
  expect(before).toBeLessThanOrEqual(PAGE);
  expect(before).toBeGreaterThan(0);
  upper.written.length = 0;
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.writersOf('two')).toEqual([2]);
  expect(upper.written.filter(({ uid }) => uid === 1)).toEqual([]);
  expect(overlay.statistics().dirtyBytes).toBe(0);
  overlay.close();
});

it('W13: a file is no longer in the upper than what was not refused needs', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/shared');
  one.appendFileSync('/shared', 'one');
  two.appendFileSync('/shared', 'two');
  writeAt(two, '/shared', 'two', 3 * PAGE);
  upper.refusals.set(2, full);
  failuresOf(overlay);
  expect(upper.read('/shared')).toBe('one');
  expect(own.statSync('/shared').size).toBe(3 * PAGE + 3);
  // After a crash that is what there is.
  const next = again({ upper, overlay } as Scene);
  expect(next.fs.readFileSync('/shared', 'utf8')).toBe('one');
  next.close();
});

it('W13: over a lower, what was refused is what the lower has', () => {
  const { upper, overlay, own, one, two } = openScene();
  own.chmodSync('/big', 0o666);
  writeAt(one, '/big', 'one', 10);
  writeAt(two, '/big', 'two', 100);
  writeAt(two, '/big', 'two', 5 * PAGE - 1);
  upper.refusals.set(2, { code: 'EIO', at: 'open' });
  expect(failuresOf(overlay)).toEqual(['EIO /big']);
  const wanted = bytesOf(77, 10 * PAGE + 123);
  wanted.write('one', 10);
  expect(Buffer.from(upper.read('/big') ?? '', 'utf8').length).toBeGreaterThan(0);
  expect(upper.volume.readFileSync('/big')).toEqual(wanted);
  upper.refusals.clear();
  overlay.syncSync();
  wanted.write('two', 100);
  wanted.write('two', 5 * PAGE - 1);
  expect(upper.volume.readFileSync('/big')).toEqual(wanted);
  overlay.close();
});

it('W13: where all are refused and nothing else has changed the file fails as a whole', () => {
  const { upper, overlay, own, one, two, told } = openScene();
  makeShared(own, '/file', 'as it was');
  overlay.syncSync();
  one.writeFileSync('/file', 'one', { flag: 'r+' });
  writeAt(two, '/file', 'two', 6);
  own.chmodSync('/big', 0o666);
  overlay.syncSync();
  writeAt(two, '/big', 'two', 0);
  for (const uid of [1, 2]) upper.refusals.set(uid, forbidden);
  writeAt(one, '/file', 'ONE', 0);
  writeAt(two, '/file', 'TWO', 6);
  upper.written.length = 0;
  expect(failuresOf(overlay).sort()).toEqual(['EACCES /big', 'EACCES /file']);
  expect(upper.read('/file')).toBe('oneit two');
  expect(upper.volume.readFileSync('/big')).toEqual(bytesOf(77, 10 * PAGE + 123));
  expect(told.every((each) => (each as { discarded: boolean }).discarded === false)).toBe(true);
  upper.refusals.delete(1);
  expect(failuresOf(overlay).sort()).toEqual(['EACCES /big', 'EACCES /file']);
  expect(upper.read('/file')).toBe('ONEit two');
  expect(upper.writersOf('TWO')).toEqual([]);
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.read('/file')).toBe('ONEit TWO');
  overlay.close();
});

it('W13: what an author cut off goes, whoever is refused', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/file', 'as it was before');
  overlay.syncSync();
  one.truncateSync('/file', 5);
  two.appendFileSync('/file', 'two');
  upper.refusals.set(2, full);
  expect(failuresOf(overlay)).toEqual(['EDQUOT /file']);
  expect(upper.read('/file')).toBe('as it');
  expect(own.readFileSync('/file', 'utf8')).toBe('as ittwo');
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.read('/file')).toBe('as ittwo');
  overlay.close();
});

it('W13: a file of several names keeps them, and gets what was not refused', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/file', 'x'.repeat(3 * PAGE));
  own.linkSync('/file', '/twin');
  overlay.syncSync();
  const { ino } = upper.volume.statSync('/file');
  writeAt(one, '/file', 'one', 5);
  writeAt(two, '/twin', 'two', 8);
  writeAt(two, '/twin', 'two', 3 * PAGE);
  upper.refusals.set(2, full);
  expect(failuresOf(overlay)).toEqual(['EDQUOT /file']);
  expect(upper.read('/twin')).toBe(`xxxxxone${'x'.repeat(3 * PAGE - 8)}`);
  expect(upper.writersOf('two')).toEqual([]);
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.read('/file')).toBe(`xxxxxonetwo${'x'.repeat(3 * PAGE - 11)}two`);
  expect(upper.volume.statSync('/file').ino).toBe(ino);
  expect(upper.volume.statSync('/twin').ino).toBe(ino);
  expect(upper.writersOf('two')).toContain(2);
  overlay.close();
});

it('W13: an upper that is full for one and takes what it takes in pieces', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/shared');
  upper.most = 7;
  upper.refusals.set(2, { code: 'ENOSPC', at: 1000 });
  const [mine, yours] = [bytesOf(1, PAGE + 50), bytesOf(2, PAGE + 50)];
  one.writeFileSync('/shared', mine);
  two.appendFileSync('/shared', yours);
  two.writeFileSync('/fits', 'a little');
  expect(failuresOf(overlay).sort()).toEqual(['ENOSPC /fits', 'ENOSPC /shared']);
  expect(upper.volume.readFileSync('/shared')).toEqual(mine);
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.volume.readFileSync('/shared')).toEqual(Buffer.concat([mine, yours]));
  expect(upper.read('/fits')).toBe('a little');
  overlay.close();
});

it('W13: a copy is its maker’s, and what the file has of others is not written by him', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/file');
  one.appendFileSync('/file', 'data of one');
  two.copyFileSync('/file', '/copy');
  upper.refusals.set(1, forbidden);
  expect(failuresOf(overlay)).toEqual(['EACCES /file']);
  expect(upper.read('/copy')).toBe('data of one');
  expect(upper.read('/file')).toBeUndefined();
  expect(upper.writersOf('data of one')).toEqual([2]);
  // Refused the other way round: the copy is not made, what it is a copy of is no matter.
  two.copyFileSync('/file', '/second');
  upper.refusals.clear();
  upper.refusals.set(2, full);
  expect(failuresOf(overlay)).toEqual(['EDQUOT /second']);
  expect(upper.read('/file')).toBe('data of one');
  expect(two.readFileSync('/second', 'utf8')).toBe('data of one');
  upper.refusals.clear();
  overlay.syncSync();
  expect(upper.read('/second')).toBe('data of one');
  overlay.close();
});

it('W13: bytes belong to the user who opened the file, not to the one who writes through the descriptor', () => {
  const { upper, overlay, own, one, two } = openScene();
  makeShared(own, '/file');
  const fd = one.openSync('/file', 'w');
  two.writeSync(fd, 'through it');
  two.closeSync(fd);
  overlay.syncSync();
  expect(upper.writersOf('through it')).toEqual([1]);
  overlay.close();
});

it('W13: the overlay’s own credentials, if it has been given any, are an author like others', () => {
  const upper = new ActingUpper();
  const { overlay, own } = openScene({ credentials: { uid: 0, gid: 7 } }, upper);
  own.writeFileSync('/file', 'as told');
  overlay.syncSync();
  expect(upper.asked[0]).toEqual({ uid: 0, gid: 7, groups: [] });
  expect(upper.opened.length + upper.written.length).toBeGreaterThan(0);
  expect(upper.read('/file')).toBe('as told');
  overlay.close();
});

it('W13: data in a new directory that only its owner may enter is brought there all the same', () => {
  const scene = openScene();
  const { upper, overlay, one, two } = scene;
  one.mkdirSync('/private', 0o700);
  one.mkdirSync('/private/deep');
  one.writeFileSync('/private/deep/file', 'of one');
  one.writeFileSync('/private/empty', '');
  two.mkdirSync('/other');
  two.writeFileSync('/other/file', 'of two');
  upper.refusals.set(2, full);
  expect(failuresOf(overlay)).toEqual(['EDQUOT /other/file']);
  expect(upper.writersOf('of one')).toEqual([1]);
  expect(upper.volume.statSync('/private').mode).toBe(0o40700);
  const next = again(scene);
  const owner = next.as({ uid: 1, gid: 1 });
  expect(owner.readFileSync('/private/deep/file', 'utf8')).toBe('of one');
  expect(owner.readFileSync('/private/empty', 'utf8')).toBe('');
  expect(next.fs.readdirSync('/other')).toEqual([]);
  next.close();
});

it('W13: the overlay stays open, with what was refused, until it is not refused any more', () => {
  const scene = openScene();
  const { upper, overlay, one } = scene;
  one.writeFileSync('/file', 'of one');
  upper.refusals.set(1, forbidden);
  expect(thrownBy(() => overlay.close()).message).toContain('/file');
  expect(one.readFileSync('/file', 'utf8')).toBe('of one');
  upper.refusals.clear();
  overlay.close();
  const next = again(scene);
  expect(next.fs.readFileSync('/file', 'utf8')).toBe('of one');
  next.close();
});

it('W13: who is gone is forgotten, and `as` is asked again when he comes back', async () => {
  const volume = new Volume();
  const asked: number[] = [];
  const as = ({ uid }: { uid: number }) => {
    asked.push(uid);
    return volume;
  };
  const overlay = createOverlay({ lower: [], upper: { fs: volume, as }, writeback: 'manual' });
  overlay.fs.chmodSync('/', 0o777);
  const visit = (uid: number) => overlay.as({ uid, gid: uid }).writeFileSync(`/of-${uid}`, `${uid}`);
  visit(1);
  const two = overlay.as({ uid: 2, gid: 2 });
  overlay.syncSync();
  for (let i = 0; i < 5; i++) {
    overlay.fs.writeFileSync('/own', `${i}`);
    overlay.syncSync();
    collect();
    await setImmediate();
  }
  visit(1);
  visit(2);
  expect(asked).toEqual([1, 2, 1]);
  two.writeFileSync('/of-2', 'still there');
  overlay.close();
  expect(volume.readFileSync('/of-2', 'utf8')).toBe('still there');
});
