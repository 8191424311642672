/**
 * Turns the stats of a branch into `Attributes`, and compares the two.
 *
 * A branch may give numbers or bigints, Node's `Stats` or a plain object with half of the fields. What is missing is
 * filled in the same way each time, so a file that has not changed always compares equal: with bigints to the
 * nanosecond, with numbers through the formula by which Node makes `mtimeMs` (lib/internal/fs/utils.js: seconds * 1000
 * + nanoseconds / 1e6), since a double holds a time of today to a quarter of a microsecond only.
 */

import { constants } from 'node:fs';
import { isDate } from 'node:util/types';
import { ANY_SIZE, type Attributes, type Fingerprint, type Remembered } from './branch.ts';

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK } = constants;
const GIGA = 1_000_000_000;
const GIGA_BIG = 1_000_000_000n;
/** The latest time there is, in milliseconds (ECMAScript, time values). */
const LATEST = 8.64e15;
const OWN_UID = process.getuid?.() ?? 0;
const OWN_GID = process.getgid?.() ?? 0;

/** The questions that `Stats` and `Dirent` answer about a file's type. */
export type TypeQuestions = Partial<
  Record<
    'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice',
    () => unknown
  >
>;

type Quantity = 'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'gid' | 'rdev' | 'size' | 'blocks';
type Moment = 'atime' | 'mtime' | 'ctime' | 'birthtime';

/** What a branch answers to `lstat`. No field can be relied upon. */
export type StatsLike = TypeQuestions & { readonly [K in Quantity | `${Moment}Ms` | `${Moment}Ns` | Moment]?: unknown };

/** Takes an answer of a branch for stats; undefined says that there is no such file. Throws where it is neither. */
export function statsIn(answer: unknown): StatsLike | undefined {
  if (typeof answer === 'object' && answer !== null) return answer;
  if (answer === undefined || answer === null) return undefined;
  throw new TypeError(`stats expected, got ${typeof answer}`);
}

/** The type bits (`S_IFMT`) according to `isFile()` and the like; 0 where these do not tell. */
export function typeAnswered(asked: TypeQuestions): number {
  if (typeof asked.isFile !== 'function' && typeof asked.isDirectory !== 'function') return 0;
  if (asked.isFile?.()) return S_IFREG;
  if (asked.isDirectory?.()) return S_IFDIR;
  if (asked.isSymbolicLink?.()) return S_IFLNK;
  if (asked.isFIFO?.()) return S_IFIFO;
  if (asked.isSocket?.()) return S_IFSOCK;
  if (asked.isCharacterDevice?.()) return S_IFCHR;
  return asked.isBlockDevice?.() ? S_IFBLK : 0;
}

/** The number of names: at least one, whatever the branch says, since the file was found by a name. */
function linksOf({ nlink }: StatsLike): number {
  return quantity(nlink, 1) || 1;
}

/** The attributes in stats of either kind; the inode number is 0 where it is not worth keeping. */
export function attributesOf(stats: StatsLike, number: 'keep' | 'drop'): Attributes {
  const exact = typeof stats.mtimeNs === 'bigint';
  const size = quantity(stats.size, 0);
  return {
    dev: quantity(stats.dev, 0),
    ino: number === 'keep' ? inodeNumber(stats.ino) : 0,
    mode: modeOf(stats),
    nlink: linksOf(stats),
    uid: quantity(stats.uid, OWN_UID),
    gid: quantity(stats.gid, OWN_GID),
    rdev: quantity(stats.rdev, 0),
    size,
    blocks: quantity(stats.blocks, Math.ceil(size / 512)),
    atimeSec: exact ? secondsBig(stats.atimeNs) : secondsOf(milliseconds(stats.atimeMs, stats.atime)),
    atimeNsec: exact ? nanosecondsBig(stats.atimeNs) : nanosecondsOf(milliseconds(stats.atimeMs, stats.atime)),
    mtimeSec: exact ? secondsBig(stats.mtimeNs) : secondsOf(milliseconds(stats.mtimeMs, stats.mtime)),
    mtimeNsec: exact ? nanosecondsBig(stats.mtimeNs) : nanosecondsOf(milliseconds(stats.mtimeMs, stats.mtime)),
    ctimeSec: exact ? secondsBig(stats.ctimeNs) : secondsOf(milliseconds(stats.ctimeMs, stats.ctime)),
    ctimeNsec: exact ? nanosecondsBig(stats.ctimeNs) : nanosecondsOf(milliseconds(stats.ctimeMs, stats.ctime)),
    birthtimeSec: exact ? secondsBig(stats.birthtimeNs) : secondsOf(milliseconds(stats.birthtimeMs, stats.birthtime)),
    birthtimeNsec: exact
      ? nanosecondsBig(stats.birthtimeNs)
      : nanosecondsOf(milliseconds(stats.birthtimeMs, stats.birthtime)),
  };
}

/** Whether stats show what is remembered, apart from the inode number. Allocates nothing for plain numbers. */
export function sameButNumber(stats: StatsLike, remembered: Remembered): boolean {
  return (
    quantity(stats.size, 0) === remembered.size &&
    (sameMoment(stats.mtimeNs, stats.mtimeMs, remembered.mtimeSec, remembered.mtimeNsec) ??
      sameDate(stats.mtime, remembered.mtimeSec, remembered.mtimeNsec)) &&
    (sameMoment(stats.ctimeNs, stats.ctimeMs, remembered.ctimeSec, remembered.ctimeNsec) ??
      sameDate(stats.ctime, remembered.ctimeSec, remembered.ctimeNsec)) &&
    modeOf(stats) === remembered.mode &&
    linksOf(stats) === remembered.nlink &&
    quantity(stats.uid, OWN_UID) === remembered.uid &&
    quantity(stats.gid, OWN_GID) === remembered.gid &&
    (sameMoment(stats.atimeNs, stats.atimeMs, remembered.atimeSec, remembered.atimeNsec) ??
      sameDate(stats.atime, remembered.atimeSec, remembered.atimeNsec))
  );
}

/** Whether stats show the size and the time of a fingerprint, apart from the inode number. */
export function printsButNumber(stats: StatsLike, fingerprint: Fingerprint): boolean {
  return (
    fingerprint.size === ANY_SIZE ||
    (quantity(stats.size, 0) === fingerprint.size &&
      (sameMoment(stats.mtimeNs, stats.mtimeMs, fingerprint.mtimeSec, fingerprint.mtimeNsec) ??
        sameDate(stats.mtime, fingerprint.mtimeSec, fingerprint.mtimeNsec)))
  );
}

/**
 * How far apart two changes that show the same time may be, in milliseconds: the clocks of filesystems tick at least
 * this often.
 */
const TICK = 10;

/**
 * Whether a file may have been changed after its bytes were asked for and still have this fingerprint (git calls that
 * "racily clean").
 *
 * @param asked when that was, in milliseconds since 1970
 */
export function mayHideChange({ mtimeSec, mtimeNsec }: Fingerprint, asked: number): boolean {
  const mtime = mtimeSec * 1000 + mtimeNsec / 1e6;
  return mtime > asked - TICK && mtime < Date.now() + TICK;
}

/** Whether stats show an inode number; 0 means that there is none to compare. */
export function sameNumber(stats: StatsLike, ino: number | bigint): boolean {
  if (ino === 0 || stats.ino === ino) return true;
  // A number and a bigint of one inode agree to the digits that the number has.
  return typeof stats.ino === typeof ino ? false : quantity(stats.ino, 0) === Number(ino);
}

/** A count as a branch gives it. Anything else (NaN, Infinity, a negative number, a fraction) counts as missing. */
function quantity(value: unknown, missing: number): number {
  const count = typeof value === 'bigint' ? Number(value) : value;
  return typeof count === 'number' && count >= 0 && Number.isInteger(count) ? count : missing;
}

function inodeNumber(value: unknown): number | bigint {
  if (typeof value === 'bigint' && value > Number.MAX_SAFE_INTEGER) return value;
  return quantity(value, 0);
}

/** The mode. Where the branch gives no type bits, `isFile()` and the like decide, and everybody may read. */
function modeOf(stats: StatsLike): number {
  const mode = quantity(stats.mode, 0);
  if ((mode & S_IFMT) !== 0) return mode;
  const type = typeAnswered(stats);
  if (type === 0) throw new TypeError('stats without a type: neither in mode nor by isFile()');
  return type | (mode !== 0 ? mode : type === S_IFDIR ? 0o755 : 0o644);
}

/**
 * Whether a time is as remembered; undefined where the branch gives it only as a Date (which newer Nodes make on
 * access).
 */
function sameMoment(ns: unknown, ms: unknown, seconds: number, nanoseconds: number): boolean | undefined {
  if (typeof ns === 'bigint') return secondsBig(ns) === seconds && nanosecondsBig(ns) === nanoseconds;
  if (typeof ms === 'bigint') return sameMilliseconds(Number(ms), seconds, nanoseconds);
  if (typeof ms !== 'number' || !(Math.abs(ms) <= LATEST)) return undefined;
  return ms === seconds * 1000 + nanoseconds / 1e6 || sameMilliseconds(ms, seconds, nanoseconds);
}

function sameDate(date: unknown, seconds: number, nanoseconds: number): boolean {
  return sameMilliseconds(milliseconds(undefined, date), seconds, nanoseconds);
}

/** For a branch whose times in milliseconds are not made of whole nanoseconds. */
function sameMilliseconds(ms: number, seconds: number, nanoseconds: number): boolean {
  return secondsOf(ms) === seconds && nanosecondsOf(ms) === nanoseconds;
}

function milliseconds(ms: unknown, date: unknown): number {
  if (typeof ms === 'number' && Math.abs(ms) <= LATEST) return ms;
  if (typeof ms === 'bigint') return Number(ms);
  const time = isDate(date) ? date.getTime() : typeof date === 'number' ? date : 0;
  return Math.abs(time) <= LATEST ? time : 0;
}

function secondsOf(ms: number): number {
  const seconds = Math.floor(ms / 1000);
  return Math.round((ms - seconds * 1000) * 1e6) < GIGA ? seconds : seconds + 1;
}

function nanosecondsOf(ms: number): number {
  return Math.max(0, Math.round((ms - secondsOf(ms) * 1000) * 1e6));
}

function secondsBig(ns: unknown): number {
  if (typeof ns !== 'bigint') return 0;
  const seconds = ns / GIGA_BIG;
  return Number(ns < 0n && seconds * GIGA_BIG !== ns ? seconds - 1n : seconds);
}

function nanosecondsBig(ns: unknown): number {
  if (typeof ns !== 'bigint') return 0;
  const rest = Number(ns % GIGA_BIG);
  return rest < 0 ? rest + GIGA : rest;
}
