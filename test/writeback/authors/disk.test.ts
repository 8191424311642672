// W13 on the disk, with real users: an `as` that sets the effective user of the process around each call, as a file
// server does.

import nodeFs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { actAs } from '../../act-as.ts';
import { useDirectories } from '../directories.ts';
import { forgetLock, leftovers, PAGE, type UpperFs, writeAt } from '../rig.ts';
import { failuresOf, makeShared, thrownBy } from './acting.ts';

const ROOT = process.getuid?.() === 0;
const newDirectory = useDirectories();

type AnyFunction = (...given: unknown[]) => unknown;

/** The disk as another user sees it; its synchronous functions only, since a thread of the pool would not be him. */
function diskAs(who: { uid: number; gid: number; groups: readonly number[] }): object {
  const fs: Record<string, AnyFunction> = {};
  for (const [name, found] of Object.entries(nodeFs as unknown as Record<string, AnyFunction>)) {
    if (name.endsWith('Sync')) fs[name] = (...given) => actAs(who, () => found(...given));
  }
  return fs;
}

interface Scene {
  readonly root: string;
  readonly overlay: Overlay;
  readonly one: Overlay['fs'];
  readonly two: Overlay['fs'];
}

function open(root: string): Scene {
  const overlay = createOverlay({ lower: [], upper: { root, as: diskAs }, pageSize: PAGE, umask: 0 });
  const [one, two] = [overlay.as({ uid: 1001, gid: 1001 }), overlay.as({ uid: 1002, gid: 1002, groups: [100] })];
  return { root, overlay, one, two };
}

function newUpper(): string {
  const root = newDirectory();
  nodeFs.chmodSync(root, 0o777);
  return root;
}

const textAt = (path: string): string => nodeFs.readFileSync(path, 'utf8');

// Only root can be others.
describe.runIf(ROOT)('W13: on the disk', () => {
  it('each user writes as himself, also to what is read-only, private, or in a private directory', () => {
    const { root, overlay, one, two } = open(newUpper());
    one.mkdirSync('/home', 0o700);
    const fd = one.openSync('/home/read-only', 'w', 0o400);
    one.writeSync(fd, 'first, ');
    overlay.syncSync();
    one.writeSync(fd, 'then more');
    overlay.syncSync();
    one.closeSync(fd);
    two.writeFileSync('/note', 'of two', { mode: 0o600 });
    overlay.fs.appendFileSync('/note', ' and root');
    overlay.syncSync();
    expect(textAt(`${root}/home/read-only`)).toBe('first, then more');
    expect(nodeFs.statSync(`${root}/home/read-only`)).toMatchObject({ uid: 1001, gid: 1001, mode: 0o100400 });
    expect(textAt(`${root}/note`)).toBe('of two and root');
    expect(nodeFs.statSync(`${root}/note`)).toMatchObject({ uid: 1002, mode: 0o100600 });
    expect(nodeFs.statSync(`${root}/home`)).toMatchObject({ uid: 1001, mode: 0o40700 });
    expect(leftovers(nodeFs as UpperFs, root)).toEqual([]);
    overlay.close();
  });

  it('W13: with an `as` the work area can be searched by all and listed by none; without one nothing differs', () => {
    const root = newUpper();
    createOverlay({ lower: [], upper: root }).close();
    const modes = () => ['.overfs', '.overfs/stage'].map((name) => nodeFs.statSync(`${root}/${name}`).mode & 0o777);
    expect(modes()).toEqual([0o700, 0o700]);
    open(root).overlay.close();
    expect(modes()).toEqual([0o711, 0o711]);
  });

  it('W13: an author who may not get there is refused, and no other', () => {
    const root = newDirectory();
    nodeFs.chmodSync(root, 0o700);
    const { overlay, one } = open(root);
    overlay.fs.chmodSync('/', 0o777);
    one.writeFileSync('/of-one', 'one');
    overlay.fs.writeFileSync('/own', 'own');
    // The directory lets nobody in until the overlay has told it to.
    expect(failuresOf(overlay)).toEqual(['EACCES /of-one']);
    expect(textAt(`${root}/own`)).toBe('own');
    expect(nodeFs.existsSync(`${root}/of-one`)).toBe(false);
    overlay.syncSync();
    expect(textAt(`${root}/of-one`)).toBe('one');
    overlay.close();
  });

  it('rights that have changed since are no refusal: the overlay checks them when a file is opened', () => {
    const { root, overlay, one, two } = open(newUpper());
    makeShared(overlay.fs, '/file', 'x'.repeat(10));
    overlay.syncSync();
    const fd = two.openSync('/file', 'r+');
    overlay.fs.chmodSync('/file', 0o600);
    overlay.syncSync();
    two.writeSync(fd, 'two', 2);
    overlay.syncSync();
    expect(textAt(`${root}/file`)).toBe('xxtwoxxxxx');
    two.closeSync(fd);
    expect(thrownBy(() => writeAt(one, '/file', 'one', 0)).code).toBe('EACCES');
    overlay.close();
  });

  it('large files of the upper begin as a copy, in which each author writes', async () => {
    const { root, overlay, one, two } = open(newUpper());
    makeShared(overlay.fs, '/large', 'x'.repeat(200 * PAGE));
    await overlay.sync();
    const copies: string[] = [];
    overlay.on('command', ({ kind }) => void copies.push(kind));
    writeAt(one, '/large', 'one', 5);
    writeAt(two, '/large', 'two', 150 * PAGE);
    overlay.fs.truncateSync('/large', 180 * PAGE);
    await overlay.sync();
    const wanted = Buffer.from('x'.repeat(180 * PAGE));
    wanted.write('one', 5);
    wanted.write('two', 150 * PAGE);
    expect(nodeFs.readFileSync(`${root}/large`)).toEqual(wanted);
    expect(nodeFs.statSync(`${root}/large`)).toMatchObject({ uid: 0, mode: 0o100666 });
    expect(copies).toContain('copy');
    overlay.close();
  });

  it('the next process shows the same, owners and all', () => {
    const { root, overlay, one, two } = open(newUpper());
    makeShared(overlay.fs, '/file', 'root');
    one.appendFileSync('/file', 'one');
    two.writeFileSync('/of-two', 'two');
    overlay.syncSync();
    forgetLock(nodeFs as UpperFs, root);
    const next = open(root).overlay;
    expect(next.fs.readFileSync('/file', 'utf8')).toBe('rootone');
    expect(next.fs.statSync('/of-two')).toMatchObject({ uid: 1002, gid: 1002 });
    next.close();
  });
});
