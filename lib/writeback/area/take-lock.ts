/**
 * Taking the lock of an upper. Several may want it at the same moment, in several processes or threads; one of them gets it.
 *
 *     nobody's          a file with our name is completed in the staging directory, and linked to `lock`: who comes second finds it there
 *     of one who is     the right to inherit a lock is a lock as well, whose name comes from what the first one says, and is taken in the same
 *     gone              way. Who has it, and finds the first one as it was, renames his own over it
 *
 * Whoever dies between the two is inherited from in turn. Where the upper has no `link` a lock is made and then written, so that somebody who looks
 * in between takes it for one that a crash has cut short.
 */

import { createHash } from 'node:crypto';
import { EEXIST, ENOENT, Errno } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import type { Writer } from '../stage/writer.ts';
import { look, UpperError } from './damage.ts';
import { readText, removeFile, removeIfPossible, writeNew } from './files.ts';
import { type Holder, isGone, isOfThisProcess, parseHolder } from './lock.ts';
import type { Area } from './work-area.ts';

/** A lock of somebody who is gone, and what it says. */
interface Relic {
  readonly path: string;
  readonly text: string;
}

/** Takes the lock. Throws an `UpperError` where somebody has it. Requires: the staging directory is there. */
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
    // An empty or torn lock is from a process that died while it wrote it.
    if (other !== undefined && !isGone(other)) throw inUse(area, other);
    relics.push({ path, text });
  }
}

function digestOf(relics: readonly Relic[]): string {
  return createHash('sha256')
    .update(`${relics.at(-1)?.text}`)
    .digest('hex');
}

/** Makes a lock of ours, by which we inherit, the lock of the upper. */
function* inherit(area: Area, path: string, relics: readonly Relic[]): Procedure<'done' | 'too late'> {
  for (const relic of relics) {
    if ((yield* readText(relic.path)) === relic.text) continue;
    // Somebody has inherited it before us, and is done with that.
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

/** Our name, and how it is given to a lock. */
class Claim {
  readonly #base: string;
  readonly #text: string;
  /** How many files with our name were begun: one that could not be removed is in nobody's way. Changed by `#link`. */
  #count = 0;
  /** Whether the upper can give a file a second name. Changed by `make`. */
  #canLink: boolean;
  /** The file with our name is there. Changed by `make` and `end`. */
  #isMade = false;

  constructor(base: string, text: string, { link }: Writer['can']) {
    this.#base = base;
    this.#text = text;
    this.#canLink = link;
  }

  /** Makes a lock that says our name; `too late` where one is there already. */
  *make(path: string): Procedure<'done' | 'too late'> {
    try {
      yield* this.end();
      if (this.#canLink) yield* this.#link(path);
      else yield* writeNew(path, this.#text);
      return 'done';
    } catch (thrown) {
      if (thrown === EEXIST) return 'too late';
      if (!this.#isMade || !(thrown instanceof Errno)) throw thrown;
      // Who has the upper clears the staging directory, with our name in it. Else the upper knows no links after all.
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
