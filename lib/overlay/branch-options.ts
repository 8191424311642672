/** The options that are branches, and the errors for wrong ones, which name the option. */

import { constants } from 'node:fs';
import { type Attributes, type Branch, UPPER } from '../branch/branch.ts';
import { type Graft, graft } from '../branch/decorators/graft.ts';
import { recorded } from '../branch/decorators/recorded.ts';
import { BranchError, NotLoadedError } from '../branch/errors.ts';
import { fsLikeIn } from '../branch/fs-like.ts';
import { type BranchOrigin, directoryBranch, makeBranch, type RootedBranch } from '../branch/make-branch.ts';
import { insistent } from '../branch/upper/insistent.ts';
import { makeUpper } from '../branch/upper/upper.ts';
import { isErrno } from '../errno.ts';
import { isUrl } from '../fs/arguments.ts';
import { systemError } from '../fs/errors.ts';
import { originalFs } from '../node/original-fs.ts';
import type { Timers } from '../waiting/timers.ts';
import { isPlain, isRecord, mustKnow, noDirectory, wrongType, wrongValue } from './option-values.ts';
import type { LowerOptions, OverlayOptions, ParsedOptions, ParsedUpper, UpperOptions } from './options.ts';

/** The properties of a lower. */
const DESCRIBED: readonly (keyof LowerOptions)[] = ['fs', 'root', 'at', 'immutable', 'layered', 'name'];
/** The properties of the upper. */
const DESCRIBED_UPPER: readonly (keyof UpperOptions)[] = ['fs', 'root', 'name', 'as'];

const FS_LIKE =
  'an object with functions of node:fs (at least statSync, readdirSync and readFileSync, or promises of theirs)';

/** @param reserved the level of whiteouts in the upper: names of lowers that are such marks never show */
export function parseLowers(lower: OverlayOptions['lower'], reserved: number, timers: Timers): ParsedOptions['lowers'] {
  const lowers = lower === undefined ? ['/'] : Array.isArray(lower) ? lower : [lower];
  // `Array.from` visits holes too, which are then reported as undefined.
  return Array.from(lowers, (one: unknown, i) => {
    const option = Array.isArray(lower) ? `lower[${i}]` : 'lower';
    const position = { id: i + 1, name: `lower${i + 1}`, immutable: false, layered: false, reserved, timers };
    const { branch, root } = parseBranch(option, one, position);
    return { branch: recorded(branch), root };
  });
}

/** Takes the upper: a branch that can also be written. */
export function parseUpper(upper: NonNullable<OverlayOptions['upper']>, timers: Timers): ParsedUpper {
  // Only overfs writes the upper while the overlay lives, so it does not change by itself.
  const position = { id: UPPER, name: 'upper', immutable: true, layered: true, reserved: 0, timers };
  const { branch, root } = parseBranch('upper', upper, position);
  const described = typeof upper === 'object' && isLowerOptions(upper) ? upper : undefined;
  const given = described === undefined ? upper : (described.fs ?? root);
  const written = makeUpper(typeof given === 'object' && !isUrl(given) ? given : originalFs, branch.name);
  if (written.missing !== undefined) throw new BranchError(branch.name, written.missing);
  return { ...insistent(branch, written, root), root, given: isUrl(given) ? root : given, as: parseAs(upper) };
}

/** Refuses an upper that is a lower too: lowers are never changed. */
export function mustLieBeside(
  { branch, root }: ParsedUpper,
  lowers: ParsedOptions['lowers'],
  options: OverlayOptions,
): void {
  const place = branch.onDisk?.(root);
  const thing = thingIn(options.upper);
  const given = Array.isArray(options.lower) ? options.lower : [options.lower];
  const isUpper = (lower: ParsedOptions['lowers'][number], i: number) =>
    place === undefined
      ? thing !== undefined && thingIn(given[i]) === thing && lower.root === root
      : lower.branch.onDisk?.(lower.root) === place;
  if (!lowers.some(isUpper)) return;
  const wanted = 'something other than a lower (to change a directory itself, leave it out of the option "lower")';
  throw wrongValue('upper', wanted, place ?? options.upper);
}

/** The fs-like object of an option, where all of it appears at the root. */
function thingIn(given: unknown): object | undefined {
  if (typeof given !== 'object' || given === null || !isLowerOptions(given)) return fsLikeIn(given);
  return normal(given.at ?? '/') === '/' ? fsLikeIn(given.fs) : undefined;
}

/** The property `as` of the upper. The method `as` of an overlay is not meant by it. */
function parseAs(upper: NonNullable<OverlayOptions['upper']>): UpperOptions['as'] {
  const described = upper as UpperOptions;
  if (typeof upper !== 'object' || !Object.hasOwn(upper, 'as') || described.as === undefined) return undefined;
  if (typeof described.as !== 'function') throw wrongType('upper.as', 'a function of credentials', described.as);
  return described.as.bind(upper);
}

/** What follows from the position of a branch in the stack. */
interface Position {
  readonly id: number;
  readonly name: string;
  readonly immutable: boolean;
  readonly layered: boolean;
  readonly reserved: number;
  readonly timers: Timers;
}

function parseBranch(option: string, given: unknown, position: Position) {
  if (typeof given === 'string' || isUrl(given)) return directoryNamed(option, given, position);
  if (isRecord(given) && isLowerOptions(given)) return parseDescribed(option, given, position);
  if (isRecord(given) && fsLikeIn(given) !== undefined)
    return { branch: makeBranch({ fs: given, ...position }), root: '/' };
  throw wrongType(option, `a directory, ${FS_LIKE}, or { ${describedOf(position).join(', ')} }`, given);
}

function describedOf({ id }: Position): readonly string[] {
  return id === UPPER ? DESCRIBED_UPPER : DESCRIBED;
}

/**
 * The branch of a directory of the disk. Where there is no such directory, throws Node's own error with the name of the
 * option.
 */
function directoryNamed(option: string, directory: string | URL, origin: Omit<BranchOrigin, 'fs'>): RootedBranch {
  try {
    return directoryBranch(directory, origin);
  } catch (thrown) {
    throw noDirectory(option, thrown);
  }
}

/** Whether an object is a branch with properties: it has at least one of them, and no functions of node:fs. */
function isLowerOptions(given: object): given is LowerOptions {
  if ('readFileSync' in given || 'readFile' in given || 'promises' in given) return false;
  // An overlay has an `fs` too, but nothing else of these.
  return (
    'root' in given || 'at' in given || 'immutable' in given || 'name' in given || 'layered' in given || 'fs' in given
  );
}

/**
 * Refuses unknown properties, and `as` of a lower. An object with an `fs` may hold other objects and functions (memfs
 * gives `{ fs, vol }`), so in a plain object only unknown plain values are refused.
 */
function mustDescribe(option: string, given: object, known: readonly string[]): void {
  if (!isPlain(given)) return;
  const isSaid = (key: string, value: unknown) =>
    key === 'as' || (value !== undefined && typeof value !== 'object' && typeof value !== 'function');
  const said = Object.keys(given).filter((key) => isSaid(key, Reflect.get(given, key)));
  mustKnow(`${option}.`, said, known);
}

function parseDescribed(option: string, given: LowerOptions, position: Position) {
  mustDescribe(option, given, describedOf(position));
  const { fs, root = '/', name = position.name } = given;
  const isUpper = position.id === UPPER;
  const { at = '/', immutable = position.immutable, layered = position.layered }: LowerOptions = isUpper ? {} : given;
  if (fs !== undefined && (!isRecord(fs) || fsLikeIn(fs) === undefined)) throw wrongType(`${option}.fs`, FS_LIKE, fs);
  if (typeof root !== 'string') throw wrongType(`${option}.root`, 'an absolute path in the branch', root);
  if (!root.startsWith('/')) throw wrongValue(`${option}.root`, 'an absolute path in the branch', root);
  if (typeof at !== 'string') throw wrongType(`${option}.at`, 'an absolute path in the overlay', at);
  if (!at.startsWith('/')) throw wrongValue(`${option}.at`, 'an absolute path in the overlay', at);
  if (typeof immutable !== 'boolean') throw wrongType(`${option}.immutable`, 'a boolean', immutable);
  if (typeof layered !== 'boolean') throw wrongType(`${option}.layered`, 'a boolean', layered);
  if (typeof name !== 'string') throw wrongType(`${option}.name`, 'a string', name);
  const { id, reserved, timers } = position;
  const origin = { id, name, immutable, layered, reserved, timers };
  const rooted =
    fs === undefined
      ? directoryNamed(`${option}.root`, root, origin)
      : { branch: makeBranch({ ...origin, fs }), root: normal(root) };
  if (fs !== undefined && rooted.root !== '/') mustBeDirectory(`${option}.root`, rooted.branch, rooted.root);
  if (normal(at) === '/') return rooted;
  const where: Graft = { from: rooted.root, at: normal(at) };
  return { branch: graft(rooted.branch, where), root: '/' };
}

/** Refuses a root that is not a directory of the branch, if the branch can be asked at once. */
function mustBeDirectory(option: string, branch: Branch, root: string): void {
  if (branch.sync === undefined) return;
  let found: Attributes | undefined;
  try {
    found = branch.sync.lstat(root);
  } catch (thrown) {
    // An overlay over promises cannot be asked at once either.
    if (thrown instanceof NotLoadedError) return;
    throw noDirectory(
      option,
      isErrno(thrown) ? systemError(thrown, 'lstat', root, undefined, mustBeDirectory) : thrown,
    );
  }
  if (found === undefined || (found.mode & constants.S_IFMT) !== constants.S_IFDIR) {
    throw wrongValue(option, 'a directory of the branch', root);
  }
}

/** A path without double slashes, dots and a slash at the end. */
function normal(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
