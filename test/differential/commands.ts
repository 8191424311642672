/**
 * Commands and trees out of fast-check. There are few names, so that commands meet; paths are at most three names deep,
 * now and then with links, dots and slashes on the way.
 */

import { constants } from 'node:fs';
import fc from 'fast-check';
import { dir, type Entry, file, flatten, hard, link, type Tree } from '../grounds/tree.ts';
import { type Argument, type Command, HERE } from './world.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW } = constants;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const ROOT = process.getuid?.() === 0;

const name = fc.constantFrom('a', 'b', 'c', 'd');

/** Mostly plain, since a plain path gets further. */
const spot = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 6, arbitrary: fc.tuple(name, name).map((names) => names.join('/')) },
  { weight: 4, arbitrary: fc.tuple(name, name, name).map((names) => names.join('/')) },
  {
    weight: 1,
    arbitrary: fc.tuple(name, name, name).map(([first, second, third]) => `${first}/../${second}/./${third}`),
  },
  { weight: 1, arbitrary: fc.tuple(name, fc.constantFrom('/', '/.', '/..')).map((parts) => parts.join('')) },
);

const path = fc.oneof(
  { weight: 30, arbitrary: spot.map((where) => `${HERE}/${where}`) },
  { weight: 1, arbitrary: fc.constant(HERE) },
);

/** Where links lead: beside, above, below, nowhere, to themselves, from the root. */
const target = fc.oneof(
  spot,
  name.map((to) => `../${to}`),
  spot.map((where) => `./${where}`),
  path,
  fc.constant('.'),
);

const size = fc.constantFrom(0, 1, 100, 4095, 4096, 4097, 9000, 20_000);
const position = fc.oneof(fc.constant(null), fc.constantFrom(0, 1, 50, 4090, 4096, 8192, 12_000, 30_000));
const mode = fc.constantFrom(0o644, 0o600, 0o755, 0o700, 0o666, 0o4711, 0o2750, 0o1777, 0);
const time = fc.constantFrom(0, 1, 1_000_000.5, 1_234_567_890, 1_400_000_000.25);
const owner = fc.constantFrom(0, 7, 1000);

/** Bytes that tell where they came from, so that a mixed-up page shows. */
function bytes(length: number, salt: number): Buffer {
  return Buffer.from(
    Uint8Array.from({ length }, (_, index) => 33 + ((index * 31 + (index >> 8) * 7 + salt * 13) % 90)),
  );
}

const data = fc.tuple(size, fc.nat(99)).map(([length, salt]) => bytes(length, salt));
const flags = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('r', 'r+', 'w', 'w+', 'a', 'a+', 'wx', 'wx+', 'ax', 'ax+', 'rs+') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      O_RDWR | O_CREAT,
      O_WRONLY | O_CREAT | O_APPEND,
      O_RDONLY | O_CREAT | O_EXCL,
      O_RDONLY | O_TRUNC,
      O_RDWR | O_NOFOLLOW,
      O_RDWR | O_CREAT | O_NOFOLLOW,
      O_DIRECTORY,
      O_DIRECTORY | O_NOFOLLOW,
      O_RDONLY | O_CREAT,
    ),
  },
);

type Arguments = fc.Arbitrary<readonly Argument[]>;
const slot = fc.nat(3);

function onPath(call: string, weight: number, args: Arguments): fc.WeightedArbitrary<Command> {
  return { weight, arbitrary: args.map((list) => ({ call, args: list })) };
}

function onSlot(call: string, weight: number, args: Arguments): fc.WeightedArbitrary<Command> {
  return { weight, arbitrary: fc.tuple(slot, args).map(([at, list]) => ({ call, slot: at, args: list })) };
}

const NOTHING: Arguments = fc.constant([]);

/** Nothing written to what is open for reading only: an error in some forms of some versions of Node. */
const written = fc.tuple(path, data, fc.record({ flag: flags, mode })).filter(([, bytes, { flag }]) => {
  const isReading = typeof flag === 'number' ? (flag & (O_WRONLY | O_RDWR)) === 0 : flag === 'r';
  return !(isReading && bytes.length === 0);
});

const naming = [
  onPath('mkdir', 4, fc.tuple(path, fc.constantFrom(undefined, 0o700))),
  // Out of what it makes and into an error: there Node leaves what it has made.
  onPath(
    'mkdir',
    2,
    fc.tuple(
      path.filter((where) => !where.includes('..')),
      fc.constant({ recursive: true }),
    ),
  ),
  onPath('rmdir', 4, fc.tuple(path)),
  onPath('unlink', 5, fc.tuple(path)),
  onPath(
    'rm',
    3,
    // Not of `x/..`: Node does several things at once there, and leaves now this, now that.
    fc.tuple(
      path.filter((where) => !where.endsWith('..')),
      fc.constantFrom({}, { recursive: true }, { force: true }, { recursive: true, force: true }),
    ),
  ),
  onPath('rename', 14, fc.tuple(path, path)),
  onPath('link', 5, fc.tuple(path, path)),
  onPath('symlink', 5, fc.tuple(target, path)),
  onPath('copyFile', 4, fc.tuple(path, path, fc.constantFrom(0, constants.COPYFILE_EXCL))),
];

const asking = [
  onPath('stat', 3, fc.tuple(path)),
  onPath('lstat', 3, fc.tuple(path)),
  onPath('readlink', 2, fc.tuple(path)),
  onPath('realpath', 2, fc.tuple(path)),
  onPath('exists', 1, fc.tuple(path)),
  onPath('access', 2, fc.tuple(path, fc.constantFrom(0, 1, 2, 4, 7))),
  onPath('readdir', 4, fc.tuple(path, fc.constantFrom(undefined, { withFileTypes: true }))),
  onPath('opendir', 1, fc.tuple(path)),
  onPath('readFile', 4, fc.tuple(path)),
  onPath('survey', 2, NOTHING),
];

const changing = [
  onPath('writeFile', 8, written),
  onPath('appendFile', 3, fc.tuple(path, data)),
  onPath('truncate', 3, fc.tuple(path, size)),
  onPath('chmod', 3, fc.tuple(path, mode)),
  onPath('utimes', 3, fc.tuple(path, time, time)),
  onPath('lutimes', 1, fc.tuple(path, time, time)),
  ...(ROOT
    ? [onPath('chown', 2, fc.tuple(path, owner, owner)), onPath('lchown', 1, fc.tuple(path, owner, owner))]
    : []),
];

const opened = [
  onSlot('open', 14, fc.tuple(path, flags, mode)),
  onSlot(
    'open',
    2,
    fc.tuple(
      path,
      fc.constantFrom(O_TMPFILE | O_RDWR, O_TMPFILE | O_WRONLY, O_TMPFILE | O_RDWR | O_EXCL, O_TMPFILE),
      mode,
    ),
  ),
  onSlot('close', 3, NOTHING),
  onSlot('read', 8, fc.tuple(size, position)),
  onSlot('write', 10, fc.tuple(data, position)),
  onSlot('writev', 2, fc.tuple(fc.tuple(data, data), position)),
  onSlot('truncate', 4, fc.tuple(size)),
  onSlot('stat', 4, NOTHING),
  onSlot('chmod', 1, fc.tuple(mode)),
  onSlot('utimes', 1, fc.tuple(time, time)),
  onSlot('sync', 1, NOTHING),
  onSlot('readFile', 2, NOTHING),
  onSlot('writeFile', 1, fc.tuple(data.filter((bytes) => bytes.length > 0))),
  ...(ROOT ? [onSlot('chown', 1, fc.tuple(owner, owner))] : []),
];

const nameless = onSlot('linkNameless', 2, fc.tuple(path));

/** Every command but the one that gives an anonymous file a name, which costs a process on the real fs. */
export const command: fc.Arbitrary<Command> = fc.oneof(...naming, ...asking, ...changing, ...opened);

/** Every command, names for anonymous files too. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(...naming, ...asking, ...changing, ...opened, nameless);

const fileMode = fc.constantFrom(0o644, 0o600, 0o755);
const givenFile = fc.tuple(data, fileMode).map(([content, bits]): Entry => file(content, { mode: bits }));
const givenLink = target.map((to): Entry => link((root) => to.replace(HERE, root)));

/** Some of the names, each with an entry of its own. */
function named(below: fc.Arbitrary<Entry>): fc.Arbitrary<Tree> {
  const some = fc.option(below, { freq: 1, nil: undefined });
  return fc
    .tuple(some, some, some, some)
    .map((entries) => Object.fromEntries(entries.flatMap((entry, at) => (entry ? [['abcd'[at], entry]] : []))));
}

function directory(below: fc.Arbitrary<Entry>): fc.Arbitrary<Entry> {
  return fc
    .tuple(fc.dictionary(name, below, { noNullPrototype: true }), fc.constantFrom(0o755, 0o700))
    .map(([tree, bits]) => dir(tree, { mode: bits }));
}

const leaf = fc.oneof({ weight: 3, arbitrary: givenFile }, { weight: 1, arbitrary: givenLink });
const shallow = fc.oneof(leaf, directory(leaf));
const deep = fc.oneof(leaf, { weight: 2, arbitrary: directory(shallow) });

/** The tree with second names for some of its files, in its top directory. */
function withHardLinks(tree: Tree, choices: readonly number[]): Tree {
  const files = flatten(tree).filter(({ entry }) => entry.kind === 'file');
  const free = ['a', 'b', 'c', 'd'].filter((candidate) => !(candidate in tree));
  const pairs = choices.slice(0, Math.min(free.length, files.length)).map((choice, index) => {
    const chosen = files[choice % files.length];
    return [free[index] ?? '', hard(chosen?.path ?? '')] as const;
  });
  return { ...tree, ...Object.fromEntries(pairs) };
}

export const givenTree: fc.Arbitrary<Tree> = fc
  .tuple(named(deep), fc.array(fc.nat(20), { maxLength: 2 }))
  .map(([tree, choices]) => withHardLinks(tree, choices));
