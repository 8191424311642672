/**
 * Taking the lock of an upper. Several processes or threads may want it at the same moment; one of them gets it.
 *
 *     free           a file that names us is completed in the staging directory, and linked to `lock`, which fails for
 *                    all but the first
 *     holder gone    the right to inherit a lock is itself a lock, whose name is a digest of the old lock, and is taken
 *                    in the same way. Its holder, if the old lock is unchanged, renames his own over it
 *
 * An heir that dies in between is inherited from in turn. Where the upper has no `link`, a lock is made first and
 * written then, so that another overlay that reads it in between takes it for one that a crash has cut short.
 */

import { createHash } from 'node:crypto';
import { EEXIST, ENOENT, Errno } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import type { Writer } from '../stage/writer.ts';
import { look, UpperError } from './damage.ts';
import { readText, removeFile, removeIfPossible, writeNew } from './files.ts';
import { type Holder, isGone, isOfThisProcess, parseHolder } from './lock.ts';
import type { Area } from './work-area.ts';

/** A lock whose holder is gone, and its text. */
interface Relic {
  readonly path: string;
  readonly text: string;
}

/** Takes the lock. Throws an `UpperError` where another holder has it. Requires: the staging directory is there. */
export function* takeLock(area: Area, holder: Holder, { can }: Writer): Procedure<void> {
  const claim = new Claim(`${area.stage}/holder-${holder.token}`, JSON.stringify(holder), can);
  try {
    while ((yield* tryToTake(area, claim)) === 'too late');
  } finally {
    yield* claim.end();
  }
}

/** Takes the lock; `too late` where it has changed meanwhile. */
function* tryToTake(area: Area, claim: Claim): Procedure<'done' | 'too late'> {
  const relics: Relic[] = [];
  for (let path = area.lock; ; path = `${area.stage}/heir-${digestOf(relics)}`) {
    yield* look(path, 'file');
    const text = yield* readText(path);
    if (text === undefined) {
      if ((yield* claim.make(path)) === 'too late') return 'too late';
      return path === area.lock ? 'done' : yield* inherit(area, path, relics);
    }
    const other = parseHolder(text);
    // An empty or torn lock is of a process that died while it wrote it.
    if (other !== undefined && !isGone(other)) throw inUse(area, other);
    relics.push({ path, text });
  }
}

function digestOf(relics: readonly Relic[]): string {
  return createHash('sha256')
    .update(`${relics.at(-1)?.text}`)
    .digest('hex');
}

/** Makes our right to inherit the lock of the upper. */
function* inherit(area: Area, path: string, relics: readonly Relic[]): Procedure<'done' | 'too late'> {
  for (const relic of relics) {
    if ((yield* readText(relic.path)) === relic.text) continue;
    // Another holder has inherited it before us, and released it already.
    yield* removeFile(path);
    return 'too late';
  }
  yield* tell({ kind: 'rename', from: path, to: area.lock, urgency: 'in place' });
  return 'done';
}

function inUse({ root, lock }: Area, holder: Holder): UpperError {
  const by = isOfThisProcess(holder)
    ? 'another overlay of this process; close that one first'
    : `process ${holder.pid} on ${holder.host}; if that is not so, remove '${lock}'`;
  return new UpperError('EBUSY', `EBUSY: the upper '${root}' is in use by ${by}`);
}

/** Makes locks that name us. */
class Claim {
  readonly #base: string;
  readonly #text: string;
  /**
   * How many files with our name were begun. Each has a name of its own, so that one that could not be removed is not
   * in the way. Changed by `#link`.
   */
  #count = 0;
  /** Whether the upper can give a file a second name. Changed by `make`. */
  #canLink: boolean;
  /** The file with our name is there. Changed by `#link` and `end`. */
  #isMade = false;

  constructor(base: string, text: string, { link }: Writer['can']) {
    this.#base = base;
    this.#text = text;
    this.#canLink = link;
  }

  /** Makes a lock that names us; `too late` where one is there already. */
  *make(path: string): Procedure<'done' | 'too late'> {
    try {
      yield* this.end();
      if (this.#canLink) yield* this.#link(path);
      else yield* writeNew(path, this.#text);
      return 'done';
    } catch (thrown) {
      if (thrown === EEXIST) return 'too late';
      if (!this.#isMade || !(thrown instanceof Errno)) throw thrown;
      // ENOENT: the holder of the upper has cleared the staging directory, with our file in it. Otherwise the upper has
      // no links after all.
      if (thrown !== ENOENT) this.#canLink = false;
      return 'too late';
    }
  }

  get #path(): string {
    return `${this.#base}-${this.#count}`;
  }

  *#link(path: string): Procedure<void> {
    this.#count++;
    yield* writeNew(this.#path, this.#text);
    this.#isMade = true;
    yield* tell({ kind: 'link', existing: this.#path, path, urgency: 'in place' });
  }

  /** Removes the file with our name. */
  *end(): Procedure<void> {
    if (this.#isMade) yield* removeIfPossible(this.#path);
    this.#isMade = false;
  }
}
