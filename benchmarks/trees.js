/**
 * The trees that the benchmarks run on. Each is built by a function of `(fs, root)`, so the same code fills a real
 * directory and a memory filesystem.
 */

/** @typedef {typeof import('node:fs')} Fs */
/** Fills the directory `root`; `branch` is the number of the lower when there are several. @typedef {(fs: Fs, root: string, branch: number) => void} Tree */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** Figures are for a tree of this many files, in this many directories. */
export const FILES = 1000;
const DIRECTORIES = 10;

/**
 * ASCII text of exactly `size` bytes that begins with `label`, so that no two files are alike.
 * @param {string} label
 * @param {number} size
 */
export function text(label, size) {
  const line = `${label}: the quick brown fox jumps over the lazy dog and looks back\n`;
  return line.repeat(Math.ceil(size / line.length)).slice(0, size);
}

/**
 * The path of file number `index` of the tree `thousand`: two components below the root, six in all.
 * @param {string} root
 * @param {number} index
 */
export function fileOf(root, index) {
  const directory = Math.floor((index % FILES) / (FILES / DIRECTORIES));
  return `${root}/d${directory}/f${String(index % FILES).padStart(3, '0')}.txt`;
}

/**
 * All paths of the tree `thousand`, in an order that goes round the directories.
 * @param {string} root
 */
export function filesOf(root) {
  return Array.from({ length: FILES }, (_, index) => fileOf(root, index * (FILES / DIRECTORIES + 1)));
}

/**
 * The paths round-robin.
 * @param {readonly string[]} paths
 * @param {number} index
 */
export function turn(paths, index) {
  return paths[index % paths.length] ?? '';
}

/**
 * What file number `index` of the tree `thousand` holds.
 * @param {number} index
 */
export function contentOf(index) {
  return text(`file ${index % FILES}`, 4 * KIB);
}

/** 1,000 files of 4 KiB in ten directories. @type {Tree} */
export function thousand(fs, root) {
  for (let directory = 0; directory < DIRECTORIES; directory++)
    fs.mkdirSync(`${root}/d${directory}`, { recursive: true });
  for (let index = 0; index < FILES; index++) fs.writeFileSync(fileOf(root, index), contentOf(index));
}

/** One directory of 1,000 empty files. @type {Tree} */
export function wide(fs, root) {
  fs.mkdirSync(`${root}/wide/all`, { recursive: true });
  for (let index = 0; index < FILES; index++) fs.writeFileSync(`${root}/wide/all/entry-${index}.txt`, '');
}

/** Eight files of 1 MiB. @type {Tree} */
export function mebibytes(fs, root) {
  fs.mkdirSync(`${root}/large`, { recursive: true });
  for (let index = 0; index < 8; index++) fs.writeFileSync(`${root}/large/m${index}.txt`, text(`file ${index}`, MIB));
}

/**
 * A file of so many MiB, really filled.
 * @param {string} name
 * @param {number} parts
 * @returns {Tree}
 */
function filled(name, parts) {
  return (fs, root) => {
    fs.mkdirSync(`${root}/large`, { recursive: true });
    const fd = fs.openSync(`${root}/large/${name}`, 'w');
    for (let index = 0; index < parts; index++) fs.writeSync(fd, Buffer.from(text(`part ${index}`, MIB)));
    fs.closeSync(fd);
  };
}

export const sixtyFour = filled('sixty-four.bin', 64);
export const twoHundredFiftySix = filled('file.bin', 256);

/**
 * A file of `size` bytes at `large/file.bin` to copy up, and small ones at `warm/` to warm up with.
 * Up to 64 MiB it is filled; what is larger is a hole but for its first and last bytes.
 * @param {number} size
 * @returns {Tree}
 */
function oneOf(size) {
  return (fs, root) => {
    fs.mkdirSync(`${root}/large`, { recursive: true });
    const fd = fs.openSync(`${root}/large/file.bin`, 'w');
    const part = Math.min(size, MIB);
    if (size <= 64 * MIB) for (let at = 0; at < size; at += part) fs.writeSync(fd, Buffer.from(text('part', part)));
    else fs.ftruncateSync(fd, size);
    fs.writeSync(fd, 'first', 0);
    fs.writeSync(fd, 'last', size - 4);
    fs.closeSync(fd);
    fs.mkdirSync(`${root}/warm`);
    for (let index = 0; index < WARM_FILES; index++) fs.writeFileSync(warmFileOf(root, index), text('warm', 4 * KIB));
  };
}

export const oneOf4KiB = oneOf(4 * KIB);
export const oneOf64MiB = oneOf(64 * MIB);
export const oneOf1GiB = oneOf(GIB);

/** How many small files stand beside the one to copy up. */
export const WARM_FILES = 64;

/**
 * @param {string} root
 * @param {number} index
 */
export function warmFileOf(root, index) {
  return `${root}/warm/w${index}.bin`;
}

/**
 * A directory of `count` empty files at `moved/from`, and an empty one beside it to warm up with.
 * @param {number} count
 * @returns {Tree}
 */
function directoryOf(count) {
  return (fs, root) => {
    fs.mkdirSync(`${root}/moved/from`, { recursive: true });
    fs.mkdirSync(`${root}/moved/warm`);
    for (let index = 0; index < count; index++) fs.writeFileSync(`${root}/moved/from/f${index}.txt`, '');
  };
}

export const directoryOfTen = directoryOf(10);
export const directoryOfThousand = directoryOf(1000);

/** One branch of many: a directory that all have, with one file that only this one has. @type {Tree} */
export function branch(fs, root, index) {
  fs.mkdirSync(`${root}/shared`, { recursive: true });
  fs.writeFileSync(`${root}/shared/of-branch-${index}.txt`, text(`branch ${index}`, 4 * KIB));
}

/** Nothing. @type {Tree} */
export function empty() {}
