/**
 * Which bytes of a content are written by whom (W13), and what is left of it where the upper has refused an author.
 *
 *     page      ┌──────────┬─────────────────┬────────────┐
 *               │ A's      │ nobody's        │ B's        │      three parts: A's is written as A, B's as B,
 *               └──────────┴─────────────────┴────────────┘      nobody's by the overlay itself
 *
 * Where B is refused, B's part is as it was before: the origin's bytes as far as it supplies them, else a hole; and the
 * file ends where the rest of it ends.
 */

import { UPPER } from '../../branch/branch.ts';
import type { Author } from '../../branch/upper/acting.ts';
import type { Errno } from '../../errno.ts';
import { BORN, type Inode } from '../../tree/inode.ts';
import type { Content } from '../plan/content.ts';
import type { Plan } from '../plan/plan.ts';

/** Bytes of one page by one author. */
export interface Part {
  /** Where the page begins in the file, in bytes. */
  readonly page: number;
  /** Where these bytes begin in the file. */
  readonly from: number;
  readonly bytes: Uint8Array;
  /** Undefined: the overlay itself. */
  readonly author: Author | undefined;
}

/** The parts of a content's dirty pages, in order; at least one for each page. */
export function* partsOf({ pages, claims }: Content): Iterable<Part> {
  let next = 0;
  for (const { from: page, twin } of pages) {
    const end = page + twin.length;
    const part = (from: number, to: number, author: Author | undefined): Part => {
      const begin = twin.start + from - page;
      return { page, from, bytes: twin.bytes.subarray(begin, begin + to - from), author };
    };
    let at = page;
    for (let claim = claims[next]; claim !== undefined && claim.from < end; claim = claims[next]) {
      if (claim.to > at) {
        const from = Math.max(at, claim.from);
        if (from > at) yield part(at, from, undefined);
        at = Math.min(end, claim.to);
        yield part(from, at, claim.author);
      }
      // It may reach into the next page.
      if (claim.to > end) break;
      next++;
    }
    if (at < end || at === page) yield part(at, end, undefined);
  }
}

/** Bytes to write, and where in the staged file. */
export interface Run extends Part {
  readonly at: number;
}

/** What is written of a content, in order, without what was refused. */
export function* runsOf(content: Content): Iterable<Run> {
  const { kind, refused } = content;
  let at = 0;
  for (const part of partsOf(content)) {
    if (isRefused(refused, part.author)) continue;
    yield { ...part, at: kind === 'whole' ? part.from : at };
    at += part.bytes.length;
  }
}

/** The authors of a content, except the overlay itself. */
export function authorsOf({ claims }: Content): Set<Author> {
  const authors = new Set<Author>();
  for (const { author } of claims) if (author !== undefined) authors.add(author);
  return authors;
}

function isRefused(refused: Content['refused'], author: Author | undefined): boolean {
  return author !== undefined && refused.has(author);
}

/** The size of the file in the upper: as long as what was not refused needs. */
export function sizeOf({ size, supplied, claims, refused }: Content): number {
  const last = claims.at(-1);
  if (last === undefined || last.to < size || !isRefused(refused, last.author)) return size;
  const left = claims.findLast(({ author }) => !isRefused(refused, author));
  return Math.max(supplied, left?.to ?? 0);
}

/** Whether a refusal leaves nothing of a content to write. */
export function isNothingLeft(content: Content): boolean {
  const { inode, claims, refused, isNameless, origin, supplied, heldAt } = content;
  // A file without a name is staged in any case, for its open descriptors: its origin may go away.
  if (refused.size === 0 || isNameless) return false;
  if (claims.some(({ author }) => !isRefused(refused, author))) return false;
  if (origin === undefined) return true;
  const isPlaced = origin.branch.id === UPPER && origin.path === heldAt;
  // A copy of another file is new, whatever was written into it since.
  if (!isPlaced && (inode.state & BORN) !== 0) return supplied === 0;
  return supplied === origin.fingerprint.size && sizeOf(content) === supplied;
}

/**
 * The contents that have arrived in part, since an author was refused. `failed` are the inodes of which nothing has
 * arrived.
 */
export function partlyRefused({ contents }: Plan, failed: ReadonlyMap<Inode, Errno>): Content[] {
  return [...contents.values()].filter(({ inode, refused }) => refused.size > 0 && !failed.has(inode));
}

/** A failure to write an inode, or one author's part of it. */
interface InodeFailure {
  readonly inode: Inode;
  readonly errno: Errno;
  /** The author of the data; undefined for the overlay's own. */
  readonly author: Author | undefined;
}

/** Everything that could not be written of a plan. `failed` are the inodes of which nothing has arrived. */
export function failuresIn(plan: Plan, failed: ReadonlyMap<Inode, Errno>): InodeFailure[] {
  const failures: InodeFailure[] = [];
  for (const [inode, errno] of failed) {
    const [author] = plan.contents.get(inode)?.refused.keys() ?? [];
    failures.push({ inode, errno, author });
  }
  for (const { inode, refused } of partlyRefused(plan, failed)) {
    for (const [author, errno] of refused) failures.push({ inode, errno, author });
  }
  return failures;
}
