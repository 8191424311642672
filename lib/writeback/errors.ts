/**
 * Who has to hear of a failed write-back: every descriptor that was open, once; and one later opener, if nobody heard (Linux errseq.c).
 *
 * Each inode that ever failed counts its failures. A descriptor remembers the count that it has heard of:
 *
 *     failures 0 ── fails ──► 1, unheard      descriptors open now remember 0: they will hear
 *     unheard ── somebody hears ──► heard     who opens later remembers 1: hears nothing
 *                                             who opens while it is unheard remembers 0: hears
 */

import type { Author } from '../branch/upper/acting.ts';
import { ENOTSUP, type Errno } from '../errno.ts';
import { type Directory, type Inode, isDirectory, isSymlink, namesOf } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';
import type { Batch } from './batch.ts';
import type { Item } from './plan/items.ts';
import type { Failure, Fate, Listeners } from './report.ts';
import { failuresIn, partlyRefused } from './stage/parts.ts';

/** The failures of one inode. */
interface Failures {
  /** How many there were. Changed by `noteFailure`. */
  count: number;
  /** The last one. Changed by `noteFailure`. */
  errno: Errno;
  /** Somebody was told of the last one. Changed by `hear`. */
  isHeard: boolean;
}

/** Only the few inodes that ever failed have an entry. */
const failures = new WeakMap<Inode, Failures>();

/** Counts a failure to write an inode back. */
export function noteFailure(inode: Inode, errno: Errno): void {
  const count = (failures.get(inode)?.count ?? 0) + 1;
  failures.set(inode, { count, errno, isHeard: false });
}

/** What could not be written back of an inode, and what becomes of it. */
export interface Loss {
  readonly inode: Inode;
  readonly errno: Errno;
  readonly fate: Fate;
  /** Whose data; undefined for the overlay's own. */
  readonly author?: Author | undefined;
}

/** Tells whoever has to hear of what could not be written back. */
export class Reporter {
  readonly #tree: Pick<Tree, 'root'>;
  readonly #listeners: Listeners;
  /** What becomes of a content that cannot be written. Set by the overlay. */
  fate: Fate = 'retained';
  /**
   * A batch of which anything cannot be written is not decided at all: who has made the change hears it from the call, and nobody else has lost
   * anything (W7). Set by whoever writes through.
   */
  isWhole = false;

  constructor(tree: Pick<Tree, 'root'>, listeners: Listeners) {
    this.#tree = tree;
    this.#listeners = listeners;
  }

  /** What becomes of a batch that is not decided. */
  get fateOfAll(): Fate {
    return this.isWhole ? this.fate : 'retained';
  }

  /** Tells all descriptors first, since who listens may throw. */
  tell(losses: readonly Loss[]): void {
    for (const { inode, errno, fate } of losses) {
      if (!this.isWhole || fate !== 'discarded') noteFailure(inode, errno);
    }
    for (const { inode, errno, author, fate } of losses) {
      this.#listeners.onFailure({ path: shownPathOf(this.#tree, inode), errno, author }, fate);
    }
  }

  /** Tells that nothing was done of what was to be done; where that is only about names, by their directories. */
  tellAll({ inodes, names }: Undone, errno: Errno, fate = this.fateOfAll): void {
    const concerned: Iterable<Inode> = inodes.size > 0 ? inodes : names.keys();
    this.tell([...concerned].map((inode) => ({ inode, errno, fate })));
  }

  /** Tells of what a batch leaves out, and notes in it what is given up; `lost` are those whose content could not be written. */
  tellLeftOut({ plan, failed, givenUp }: Pick<Batch, 'plan' | 'failed' | 'givenUp'>, lost: readonly Inode[]): void {
    const { fate, fateOfAll } = this;
    if (fate === 'discarded') {
      for (const inode of lost) givenUp.add(inode);
      for (const { inode } of partlyRefused(plan, failed)) givenUp.add(inode);
    }
    const toBlame = new Set(lost);
    const losses = failuresIn(plan, failed).map(({ inode, errno, author }): Loss => {
      const isToBlame = toBlame.has(inode) || !failed.has(inode);
      return { inode, errno, author, fate: isToBlame ? fate : fateOfAll };
    });
    this.tell(losses);
  }

  /** Tells of names that the upper cannot hold. */
  tellUnnamed(items: Iterable<Item>): Failure[] {
    const failures: Failure[] = [];
    for (const { directory, name, want } of items) {
      if (want !== undefined) noteFailure(want, ENOTSUP);
      failures.push({ path: shownPathIn(this.#tree, directory, name), errno: ENOTSUP });
    }
    for (const failure of failures) this.#listeners.onFailure(failure, 'retained');
    return failures;
  }

  /** Losses by the paths that inodes have now. */
  named(losses: readonly Omit<Loss, 'fate'>[]): Failure[] {
    return losses.map(({ inode, errno, author }) => ({ path: shownPathOf(this.#tree, inode), errno, author }));
  }
}

/** What was to be written back. */
interface Undone {
  readonly inodes: ReadonlySet<Inode>;
  readonly names: ReadonlyMap<Directory, unknown>;
}

/** How often an inode could not be written back. */
export function countFailures(inode: Inode): number {
  return failures.get(inode)?.count ?? 0;
}

/** What a descriptor opened now remembers as heard. */
export function sampleFailures(inode: Inode): number {
  const known = failures.get(inode);
  if (known === undefined) return 0;
  return known.isHeard ? known.count : 0;
}

/** What a descriptor that remembers `heard` has yet to hear; it must remember `count` from now on. */
export function hear(inode: Inode, heard: number): { readonly count: number; readonly errno: Errno | undefined } {
  const known = failures.get(inode);
  if (known === undefined || known.count === heard) return { count: heard, errno: undefined };
  known.isHeard = true;
  return { count: known.count, errno: known.errno };
}

/** What a report calls an inode: one of its paths, absolute in the overlay. */
export function shownPathOf({ root }: Pick<Tree, 'root'>, inode: Inode): string {
  if (isDirectory(inode)) return pathOf(root, inode);
  const [link] = namesOf(inode);
  if (link === undefined) return isSymlink(inode) ? '(a link without a name)' : '(a file without a name)';
  return shownPathIn({ root }, link.directory, link.name);
}

/** The path of a name, absolute in the overlay. */
function shownPathIn({ root }: Pick<Tree, 'root'>, directory: Directory, name: string): string {
  const above = pathOf(root, directory);
  return above === '/' ? `/${name}` : `${above}/${name}`;
}
