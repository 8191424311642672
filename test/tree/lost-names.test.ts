// Names that a lower takes away from a file which is the overlay's own only since it has got, or lost, other names here
// (C2): lookup and listing say the same.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';
import { type Face, FORMS, type Form, faceOf } from '../grounds/face.ts';

/** An overlay over a lower whose file `/d/x` has another name. */
function setUp(form: Form, second: string) {
  const lower = new WatchedLower('both');
  lower.volume.fromJSON({ '/d/x': 'x', '/d/y': 'y' });
  lower.volume.linkSync('/d/x', second);
  const overlay = createOverlay({ lower: { fs: lower.fs } });
  return { lower, overlay, face: faceOf(overlay.fs, form, '/') };
}

/** Which of these names are there, with their `nlink`. */
async function namesLeft(face: Face, paths: readonly string[]): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const path of paths) if (await face.exists(path)) found[path] = (await face.stat(path)).nlink;
  return found;
}

/** The same; each is expected to have the file's content. */
async function readableLeft(face: Face, paths: readonly string[]): Promise<Record<string, number>> {
  const found = await namesLeft(face, paths);
  for (const path of Object.keys(found)) expect(await face.readFile(path, 'utf8')).toBe('x');
  return found;
}

type Deed = readonly [name: string, deed: (face: Face) => Promise<unknown>, left: Readonly<Record<string, number>>];

/** What is done to `/d/x`, of which `/d/second` is another name, before the lower loses it; the names that are left, and their `nlink`. */
const DEEDS: readonly Deed[] = [
  ['a further name', (face) => face.link('/d/x', '/hard'), { '/d/second': 2, '/hard': 2 }],
  ['a further name beside it', (face) => face.link('/d/x', '/d/hard'), { '/d/second': 2, '/d/hard': 2 }],
  ['another name removed', (face) => face.unlink('/d/second'), {}],
  [
    'a further name that goes again',
    async (face) => {
      await face.link('/d/x', '/hard');
      await face.unlink('/hard');
    },
    { '/d/second': 1 },
  ],
  ['another mode', (face) => face.chmod('/d/x', 0o600), { '/d/x': 2, '/d/second': 2 }],
];

describe.each(FORMS)('C2 C7 a name that a lower loses, %s', (form) => {
  it.each(DEEDS)('%s', async (_name, deed, left) => {
    const { lower, overlay, face } = setUp(form, '/d/second');
    await face.stat('/d/second');
    await deed(face);
    lower.volume.unlinkSync('/d/x');
    const all = ['/d/x', '/d/second', '/d/hard', '/hard'];
    for (let i = 0; i < 2; i++) {
      expect(await namesLeft(face, all)).toEqual(left);
      const listed = [
        ...(await face.readdir('/d')).map((name) => `/d/${name}`),
        ...(await face.readdir('/')).map((name) => `/${name}`),
      ];
      expect(all.filter((path) => listed.includes(path))).toEqual(all.filter((path) => path in left));
    }
    expect(overlay.statistics().dirtyBytes).toBe(0);
  });
});

describe.each(FORMS)(
  'C2 a name that a lower loses is listed no longer, looked at for the first time behind that, %s',
  (form) => {
    it.each(DEEDS)('%s', async (_name, deed) => {
      const lower = new WatchedLower('both');
      lower.volume.fromJSON({ '/d/second': 'x', '/d/y': 'y' });
      lower.volume.linkSync('/d/second', '/d/z');
      lower.volume.linkSync('/d/second', '/d/x');
      const overlay = createOverlay({ lower: { fs: lower.fs } });
      const face = faceOf(overlay.fs, form, '/');
      await face.stat('/d/x');
      await deed(face);
      await face.exists('/d/z');
      lower.volume.unlinkSync('/d/z');
      const listed = await face.readdir('/d');
      expect(listed.includes('z')).toBe(await face.exists('/d/z'));
      expect(await face.readdir('/d')).toEqual(listed);
    });
  },
);

/** What is done to `/d/second` when the lower has lost `/d/x`, and nobody has looked there since; the names that are left, and their `nlink`. */
const LATE: readonly Deed[] = [
  ['moved', (face) => face.rename('/d/second', '/hard'), { '/hard': 1 }],
  ['given a further name', (face) => face.link('/d/second', '/hard'), { '/d/second': 2, '/hard': 2 }],
  ['given another mode', (face) => face.chmod('/d/second', 0o600), { '/d/second': 1 }],
  ['written', (face) => face.writeFile('/d/second', 'x'), { '/d/second': 1 }],
  ['whose directory is removed', (face) => face.rm('/d', { recursive: true }), {}],
];

describe.each(FORMS)('C2 T4 the other name of a file of which a lower has removed one, %s', (form) => {
  it.each(LATE)('%s', async (_name, deed, left) => {
    const { lower, face } = setUp(form, '/d/second');
    for (const name of ['/d/x', '/d/second']) await face.stat(name);
    lower.volume.unlinkSync('/d/x');
    await deed(face);
    expect(await readableLeft(face, ['/d/x', '/d/second', '/hard'])).toEqual(left);
  });

  it.each(LATE)('%s, when the file has become ours by a further name before', async (_name, deed, left) => {
    const { lower, face } = setUp(form, '/d/second');
    await face.stat('/d/x');
    await face.link('/d/second', '/ours');
    lower.volume.unlinkSync('/d/x');
    await deed(face);
    const more = Object.entries(left).map(([path, nlink]) => [path, nlink + 1]);
    const found = await readableLeft(face, ['/ours', '/d/x', '/d/second', '/hard']);
    expect(found).toEqual({ '/ours': more.length + 1, ...Object.fromEntries(more) });
  });

  it('stays when the directory of that one is removed', async () => {
    const { lower, face } = setUp(form, '/second');
    for (const name of ['/d/x', '/second']) await face.stat(name);
    lower.volume.unlinkSync('/d/x');
    expect((await face.stat('/second')).nlink).toBe(1);
    await face.rm('/d', { recursive: true });
    expect((await face.stat('/second')).nlink).toBe(1);
    expect(await face.readFile('/second', 'utf8')).toBe('x');
  });

  it('is read by the name that is left, where the other was removed here before', async () => {
    const { lower, face } = setUp(form, '/second');
    for (const name of ['/second', '/d/x']) await face.stat(name);
    await face.unlink('/d/x');
    lower.volume.unlinkSync('/d/x');
    expect(await face.readFile('/second', 'utf8')).toBe('x');
    await face.rename('/second', '/moved');
    expect(await face.readFile('/moved', 'utf8')).toBe('x');
  });
});

it('C2 C3 a file that has lost all its names here shows again, with its number, by a name that the lower gives it later', () => {
  const lower = Volume.fromJSON({ '/x': 'x' });
  lower.linkSync('/x', '/twin');
  const { fs } = createOverlay({ lower });
  const { ino } = fs.statSync('/x');
  for (const path of ['/x', '/twin']) fs.unlinkSync(path);
  lower.linkSync('/x', '/third');
  expect(fs.readFileSync('/third', 'utf8')).toBe('x');
  expect(fs.statSync('/third').ino).toBe(ino);
});

it('C2 a name that goes with its directory counts no more, though another name was removed here', () => {
  const lower = Volume.fromJSON({ '/d/x': 'x' });
  for (const name of ['/twin', '/third']) lower.linkSync('/d/x', name);
  const { fs } = createOverlay({ lower });
  for (const path of ['/d/x', '/twin']) fs.statSync(path);
  fs.unlinkSync('/third');
  expect(fs.statSync('/twin').nlink).toBe(2);
  lower.rmSync('/d', { recursive: true });
  expect(fs.existsSync('/d')).toBe(false);
  expect(fs.statSync('/twin').nlink).toBe(1);
});
