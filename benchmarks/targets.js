/**
 * How fast overfs is to be, as ratios to node:fs on tmpfs in the same run: at most so much.
 * The names are those of the cases; a case that is not here is measured for comparison only.
 */

/** With an immutable lower, or with everything in memory. @type {Readonly<Record<string, number>>} */
export const IMMUTABLE_TARGETS = {
  'statSync, found in a lower': 0.2,
  'statSync, throwing ENOENT': 0.6,
  'existsSync, absent': 0.2,
  fstatSync: 0.35,
  'readFileSync 4 KiB, buffer': 0.25,
  'readFileSync 4 KiB, utf8': 0.3,
  'readFileSync 1 MiB': 0.6,
  'writeFileSync 4 KiB': 0.25,
  'writeFileSync 1 MiB': 0.6,
  realpathSync: 0.05,
  'readdirSync, 1,000 entries': 0.03,
  'readdirSync, 1,000 entries, withFileTypes': 0.15,
  'openSync + readSync 4 KiB + closeSync': 0.3,
  'readSync 4 KiB, random, 64 MiB file': 0.25,
  'writeSync 4 KiB, random, 64 MiB file': 0.3,
  'writeSync, appending 4 KiB': 0.3,
  'create + unlink': 0.3,
  'mkdir + rmdir': 0.3,
  rename: 0.3,
  'copyFileSync 4 KiB': 0.3,
  'rm -r of a lower tree of 1,000 files': 0.3,
  '100,000 small files: in total': 0.35,
  'readSync 64 KiB, in sequence, cold 256 MiB file': 1.3,
  '2,000 files with tmp + rename, then sync': 0.6,
  'promises.stat, one after another': 0.1,
  'promises.readFile 4 KiB, one after another': 0.1,
  'promises.stat, 32 at a time': 0.3,
  'promises.readFile 4 KiB, 32 at a time': 0.3,
  'promises.writeFile 4 KiB, one after another': 0.1,
  'stat with a callback, one after another': 0.3,
  'createReadStream, 64 MiB': 0.8,
  'promises.readFile of 1,000 cold files, 32 at a time': 1.3,
};

/** With a lower that is re-validated at each lookup. @type {Readonly<Record<string, number>>} */
export const REVALIDATING_TARGETS = {
  'statSync, found in a lower': 1.2,
  'existsSync, present': 1.2,
  'existsSync, absent': 1.2,
  'readFileSync 4 KiB, buffer': 0.6,
  'readFileSync 4 KiB, utf8': 0.6,
};

/**
 * What must not cost more than something else does with overfs over an immutable lower: at most so many times as much.
 * "The same cost" is twice as much for what is measured once on a fresh overlay; a byte written takes a page, which is four times as
 * long as the smallest of the files.
 * Without `atMost` there is no goal: it shows how much of a cost is the copy of the bytes, which nothing can save.
 * @type {readonly { name: string, beside: string, atMost?: number }[]}
 */
export const COMPARISONS = [
  ...['first 1-byte write', 'first chmod', 'first rename', 'first copyFile'].flatMap((name) =>
    ['64 MiB', '1 GiB'].map((size) => ({
      name: `${name}, ${size}`,
      beside: `${name}, 4 KiB`,
      atMost: name === 'first 1-byte write' ? 4 : 2,
    })),
  ),
  {
    name: 'rename of a lower directory of 1,000 files',
    beside: 'rename of a lower directory of 10 files',
    atMost: 2,
  },
  { name: 'statSync in the last of 32 branches', beside: 'statSync in the first of 32 branches', atMost: 1.2 },
  {
    name: 'rewriting 1 % of the pages of 256 MiB, then sync',
    beside: 'rewriting all pages of 256 MiB, then sync',
    atMost: 0.05,
  },
  {
    name: 'changing 1 of 100,000 synced files, then sync',
    beside: 'changing 1 of 1,000 synced files, then sync',
    atMost: 1.5,
  },
  { name: 'readSync 4 KiB, random, 64 MiB file', beside: 'copying 4 KiB, random, out of 64 MiB' },
  { name: 'writeSync 4 KiB, random, 64 MiB file', beside: 'copying 4 KiB, random, into 64 MiB' },
];

/** Bytes of heap for each file, 200,000 of each. @type {Readonly<Record<string, number>>} */
export const MEMORY_TARGETS = {
  'an empty file, created': 350,
  'a lower file, stat-ed': 350,
  'a file of 1 KiB, beyond its content': 400,
};
