/**
 * Who hears of a failed write-back: every descriptor that was open, once; and one later opener, if none has heard
 * (Linux errseq.c).
 *
 * An inode that has failed counts its failures. A descriptor remembers the count that it has heard of:
 *
 *     failures 0 ── fails ──► 1, unheard      descriptors open now remember 0: they will hear
 *     unheard ── one hears ──► heard          who opens later remembers 1: hears nothing
 *                                             who opens while it is unheard remembers 0: hears
 */

import type { Author } from '../branch/upper/acting.ts';
import { ENOTSUP, type Errno } from '../errno.ts';
import { type Directory, type Inode, isDirectory, isSymlink, namesOf } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';
import type { Batch } from './batch.ts';
import type { Item } from './plan/items.ts';
import type { Plan } from './plan/plan.ts';
import type { Failure, Fate, Listeners } from './report.ts';
import { failuresIn, partlyRefused } from './stage/parts.ts';

/** The failures of one inode. */
interface Failures {
  /** How many failures there were. Changed by `noteFailure`. */
  count: number;
  /** The last one. Changed by `noteFailure`. */
  errno: Errno;
  /** Some descriptor has heard of the last one. Changed by `hear`. */
  isHeard: boolean;
}

/** Only inodes that have failed have an entry. */
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
  /** The author of the data; undefined for the overlay's own. */
  readonly author?: Author | undefined;
}

/** Reports what could not be written back. */
export class Reporter {
  readonly #tree: Pick<Tree, 'root'>;
  readonly #listeners: Listeners;
  /** What becomes of content that cannot be written. Set by the overlay. */
  fate: Fate = 'retained';
  /**
   * A batch is not decided if any of it cannot be written: the call that made the change fails, and nothing else is
   * lost (W7). Set by the overlay where it writes through.
   */
  isWhole = false;

  constructor(tree: Pick<Tree, 'root'>, listeners: Listeners) {
    this.#tree = tree;
    this.#listeners = listeners;
  }

  /** What becomes of everything in a batch that is not decided. */
  get fateOfAll(): Fate {
    return this.isWhole ? this.fate : 'retained';
  }

  /** Reports losses: to all descriptors first, since a listener may throw. */
  tell(losses: readonly Loss[]): void {
    for (const { inode, errno, fate } of losses) {
      if (!this.isWhole || fate !== 'discarded') noteFailure(inode, errno);
    }
    for (const { inode, errno, author, fate } of losses) {
      this.#listeners.onFailure({ path: shownPathOf(this.#tree, inode), errno, author }, fate);
    }
  }

  /** Reports that nothing of these could be written; names are reported as their directories. */
  tellAll({ inodes, names }: Undone, errno: Errno, fate = this.fateOfAll): void {
    const concerned: Iterable<Inode> = inodes.size > 0 ? inodes : names.keys();
    this.tell([...concerned].map((inode) => ({ inode, errno, fate })));
  }

  /**
   * Reports what a batch leaves out, except what will be discarded: that is noted in the batch and answered, to be
   * reported once the rest has arrived, since nothing is discarded where a batch fails as a whole. `lost` are the inodes
   * whose content could not be written.
   */
  tellLeftOut({ plan, failed, discards }: Pick<Batch, 'plan' | 'failed' | 'discards'>, lost: readonly Inode[]): Loss[] {
    const { fate, fateOfAll } = this;
    if (fate === 'discarded' && !this.isWhole) {
      for (const inode of lost) discards.add(inode);
      for (const { inode } of partlyRefused(plan, failed)) discards.add(inode);
    }
    const toBlame = new Set(lost);
    const losses = failuresIn(plan, failed).map(({ inode, errno, author }): Loss => {
      const isToBlame = toBlame.has(inode) || !failed.has(inode);
      return { inode, errno, author, fate: isToBlame ? fate : fateOfAll };
    });
    const isLater = ({ inode }: Loss) => discards.has(inode);
    this.tell(losses.filter((loss) => !isLater(loss)));
    return losses.filter(isLater);
  }

  /**
   * Reports that a batch was given up before it was decided. What has failed by itself fails for its own reason, unless
   * that is `told` already; everything else for `errno`.
   */
  tellGivenUp(plan: Plan, failed: ReadonlyMap<Inode, Errno>, told: ReadonlySet<Inode>, errno: Errno): void {
    const untold = failuresIn(plan, failed).filter(({ inode }) => failed.has(inode) && !told.has(inode));
    this.tell(untold.map((failure) => ({ ...failure, fate: this.fateOfAll })));
    const others = new Set([...plan.inodes].filter((inode) => !failed.has(inode)));
    if (others.size > 0 || failed.size === 0) this.tellAll({ inodes: others, names: plan.names }, errno);
  }

  /** Reports names that the upper cannot hold. */
  tellUnnamed(items: Iterable<Item>): Failure[] {
    const failures: Failure[] = [];
    for (const { directory, name, want } of items) {
      if (want !== undefined) noteFailure(want, ENOTSUP);
      failures.push({ path: shownPathIn(this.#tree, directory, name), errno: ENOTSUP });
    }
    for (const failure of failures) this.#listeners.onFailure(failure, 'retained');
    return failures;
  }

  /** Names losses by the paths that the inodes have now. */
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

/** The count that a descriptor opened now remembers as heard. */
export function sampleFailures(inode: Inode): number {
  const known = failures.get(inode);
  if (known === undefined) return 0;
  return known.isHeard ? known.count : 0;
}

/** The failure that a descriptor which remembers `heard` has yet to hear; from now on it must remember `count`. */
export function hear(inode: Inode, heard: number): { readonly count: number; readonly errno: Errno | undefined } {
  const known = failures.get(inode);
  if (known === undefined || known.count === heard) return { count: heard, errno: undefined };
  known.isHeard = true;
  return { count: known.count, errno: known.errno };
}

/** The path by which a report names an inode, absolute in the overlay. */
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
