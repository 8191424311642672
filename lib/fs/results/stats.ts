/**
 * `Stats`, `BigIntStats` and `StatFs`: what `stat` and `statfs` give.
 *
 * They are instances of Node's classes by their prototypes, but not made by Node's constructors, which cost several
 * times as much or warn. Dates are made on first access, as in Node 22 and later. In Node 20, which makes them at once,
 * the difference shows in `Object.keys` until then; but four dates would cost as much as the rest of `statSync`.
 */

import nodeFs from 'node:fs';
import { type InspectOptions, inspect } from 'node:util';
import type { Space } from '../../branch/branch.ts';
import { originalFs } from '../../node/original-fs.ts';
import type { Inode } from '../../tree/inode.ts';
import { blocksOf, type Tree } from '../../tree/tree.ts';
import { MADE_DATES_SHOW, STATS_HAVE_OWN_DATES } from '../quirks.ts';

/** What `stat` shows as `blksize`. */
const BLOCK = 4096;

const TIMES = ['atime', 'mtime', 'ctime', 'birthtime'] as const;

/** A file's attributes in numbers. Its fields are those of `fs.Stats`, in Node's order, and users may change them. */
class Stats {
  dev: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  blksize: number;
  ino: number;
  size: number;
  blocks: number;
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
  birthtimeMs: number;

  constructor(inode: Inode, tree: Tree) {
    const { uid, gid } = inode.owner;
    this.dev = tree.dev;
    this.mode = inode.mode;
    this.nlink = inode.nlink;
    this.uid = uid;
    this.gid = gid;
    this.rdev = inode.rdev;
    this.blksize = BLOCK;
    this.ino = inode.number;
    this.size = inode.size;
    this.blocks = blocksOf(tree, inode);
    this.atimeMs = inode.atimeSec * 1000 + inode.atimeNsec / 1e6;
    this.mtimeMs = inode.mtimeSec * 1000 + inode.mtimeNsec / 1e6;
    this.ctimeMs = inode.ctimeSec * 1000 + inode.ctimeNsec / 1e6;
    this.birthtimeMs = inode.birthtimeSec * 1000 + inode.birthtimeNsec / 1e6;
  }
}

function nanoseconds(seconds: number, rest: number): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}

/** The same in bigints, with times to the nanosecond. */
class BigIntStats {
  dev: bigint;
  mode: bigint;
  nlink: bigint;
  uid: bigint;
  gid: bigint;
  rdev: bigint;
  blksize: bigint;
  ino: bigint;
  size: bigint;
  blocks: bigint;
  atimeMs: bigint;
  mtimeMs: bigint;
  ctimeMs: bigint;
  birthtimeMs: bigint;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  birthtimeNs: bigint;

  constructor(inode: Inode, tree: Tree) {
    const { uid, gid } = inode.owner;
    this.dev = BigInt(tree.dev);
    this.mode = BigInt(inode.mode);
    this.nlink = BigInt(inode.nlink);
    this.uid = BigInt(uid);
    this.gid = BigInt(gid);
    this.rdev = BigInt(inode.rdev);
    this.blksize = BigInt(BLOCK);
    this.ino = BigInt(inode.number);
    this.size = BigInt(inode.size);
    this.blocks = BigInt(blocksOf(tree, inode));
    const atimeNs = nanoseconds(inode.atimeSec, inode.atimeNsec);
    const mtimeNs = nanoseconds(inode.mtimeSec, inode.mtimeNsec);
    const ctimeNs = nanoseconds(inode.ctimeSec, inode.ctimeNsec);
    const birthtimeNs = nanoseconds(inode.birthtimeSec, inode.birthtimeNsec);
    this.atimeMs = atimeNs / 1_000_000n;
    this.mtimeMs = mtimeNs / 1_000_000n;
    this.ctimeMs = ctimeNs / 1_000_000n;
    this.birthtimeMs = birthtimeNs / 1_000_000n;
    this.atimeNs = atimeNs;
    this.mtimeNs = mtimeNs;
    this.ctimeNs = ctimeNs;
    this.birthtimeNs = birthtimeNs;
  }
}

/** Rounded, since `Date` would truncate (node lib/internal/fs/utils.js). */
function dateOf(milliseconds: number): Date {
  return new Date(Math.round(milliseconds));
}

/** Defines a property of a prototype that is computed once, on first access, and can be set. */
function defineLazily(prototype: object, name: string, compute: (stats: never) => unknown): void {
  const put = (stats: object, value: unknown): void => {
    const isShown = STATS_HAVE_OWN_DATES || MADE_DATES_SHOW;
    Object.defineProperty(stats, name, { value, writable: true, enumerable: isShown, configurable: isShown });
  };
  Object.defineProperty(prototype, name, {
    enumerable: true,
    configurable: true,
    get(): unknown {
      const value = compute(this as never);
      put(this, value);
      return value;
    },
    set(value: unknown): void {
      put(this, value);
    },
  });
}

/** `Temporal` where the running Node has it. */
interface WithTemporal {
  readonly Temporal?: { readonly Instant: new (nanoseconds: bigint) => object };
}

function instant(ns: bigint): object {
  const { Temporal } = globalThis as WithTemporal;
  if (Temporal === undefined) throw new Error('Temporal is not available');
  return new Temporal.Instant(ns);
}

type Time = (typeof TIMES)[number];

/**
 * Attributes with times as instants too, where the running Node's have them; these need more digits than doubles have.
 */
class InstantStats extends Stats {
  readonly #atime: number;
  readonly #mtime: number;
  readonly #ctime: number;
  readonly #birthtime: number;

  constructor(inode: Inode, tree: Tree) {
    super(inode, tree);
    this.#atime = inode.atimeNsec;
    this.#mtime = inode.mtimeNsec;
    this.#ctime = inode.ctimeNsec;
    this.#birthtime = inode.birthtimeNsec;
  }

  static instantOf(stats: InstantStats, time: Time): object {
    const parts = { atime: stats.#atime, mtime: stats.#mtime, ctime: stats.#ctime, birthtime: stats.#birthtime };
    return instant(nanoseconds(Math.floor(stats[`${time}Ms`] / 1000), parts[time]));
  }
}

const HAS_INSTANTS = 'mtimeInstant' in nodeFs.Stats.prototype;

for (const time of TIMES) {
  defineLazily(Stats.prototype, time, (stats: Stats) => dateOf(stats[`${time}Ms`]));
  defineLazily(BigIntStats.prototype, time, (stats: BigIntStats) => new Date(Number(stats[`${time}Ms`])));
  if (!HAS_INSTANTS) continue;
  defineLazily(InstantStats.prototype, `${time}Instant`, (stats: InstantStats) => InstantStats.instantOf(stats, time));
  defineLazily(BigIntStats.prototype, `${time}Instant`, (stats: BigIntStats) => instant(stats[`${time}Ns`]));
}

/** Shows the dates in JSON and in what is printed, as where Node's objects have them as own properties. */
function showDates(prototype: object): void {
  const madeOf = (stats: object): object => {
    for (const time of TIMES) Reflect.get(stats, time);
    return stats;
  };
  const define = (name: string | symbol, value: (this: object, ...given: never[]) => unknown): void => {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  };
  define('toJSON', function toJSON(this: object) {
    return { ...madeOf(this) };
  });
  define(inspect.custom, function inspectStats(this: object, _depth: number, options: InspectOptions) {
    return inspect(madeOf(this), { ...options, customInspect: false });
  });
}

if (STATS_HAVE_OWN_DATES) for (const { prototype } of [Stats, BigIntStats]) showDates(prototype);

Object.setPrototypeOf(Stats.prototype, nodeFs.Stats.prototype);
Object.defineProperty(InstantStats, 'name', { value: 'Stats' });

const StatsHere = HAS_INSTANTS ? InstantStats : Stats;

/** The attributes of an inode as `fs.Stats`. */
export function makeStats(inode: Inode, tree: Tree): nodeFs.Stats {
  return new StatsHere(inode, tree) as unknown as nodeFs.Stats;
}

/** Always open: Node opens it at its start if it is not (node src/node.cc, PlatformInit). */
const STANDARD_INPUT = 0;

/** A `BigIntStats` of Node's, which does not export the class: any instance shows it. */
function takeSampleStats(): object {
  try {
    return originalFs.statSync(process.execPath, { bigint: true });
  } catch {
    // That path may not be looked at (`--permission`), or is there no longer.
    return originalFs.fstatSync(STANDARD_INPUT, { bigint: true });
  }
}

/** Whether `BigIntStats` stands on Node's prototype yet. Set once, by the first call that needs it. */
let isBigIntReady = false;

/** The attributes of an inode as `fs.BigIntStats`. */
export function makeBigIntStats(inode: Inode, tree: Tree): nodeFs.BigIntStats {
  if (!isBigIntReady) {
    Object.setPrototypeOf(BigIntStats.prototype, Object.getPrototypeOf(takeSampleStats()) as object);
    isBigIntReady = true;
  }
  return new BigIntStats(inode, tree) as unknown as nodeFs.BigIntStats;
}

/** A `StatFs` of Node's, which shows the class and the fields that the running version has. Set by the first use. */
let sampleSpace: object | undefined;

/** The fields of `StatFs`, where the process may not look at any known path (`--permission`). */
const SPACE_FIELDS = { type: 0, bsize: 0, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0 };

function takeSampleSpace(): object {
  for (const path of [process.execPath, process.argv[1]]) {
    try {
      if (path !== undefined) return originalFs.statfsSync(path);
    } catch {
      // The next one may be allowed.
    }
  }
  return SPACE_FIELDS;
}

/** The space of a filesystem as `fs.StatFs`. */
export function makeStatFs(space: Space, numbers: 'number' | 'bigint'): nodeFs.StatsFs | nodeFs.BigIntStatsFs {
  sampleSpace ??= takeSampleSpace();
  const fields: Readonly<Record<string, number>> = { ...space, frsize: space.bsize };
  const made = Object.create(Object.getPrototypeOf(sampleSpace) as object) as Record<string, number | bigint>;
  for (const name of Object.keys(sampleSpace)) {
    const value = fields[name] ?? 0;
    made[name] = numbers === 'bigint' ? BigInt(value) : value;
  }
  return made as unknown as nodeFs.StatsFs;
}
