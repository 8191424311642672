/**
 * What is done to the upper once the contents are staged: moves out of the way, then steps, as data that a journal can hold.
 *
 *     moves    what leaves its name goes to the staging directory; the deepest first, so that every old path is still right
 *     steps    directories and files get their names, parents first; whiteouts and marks; pages; attributes, directories last
 *
 * Both can be done again after a crash: a move is done when its target is there, a placing when its source is gone.
 */

import { constants } from 'node:fs';
import { OPAQUE_MARK, whiteoutName } from '../branch/whiteout.ts';
import { type Directory, type Inode, isDirectory, isSymlink, namesOf } from '../tree/inode.ts';
import type { UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';
import { type Content, type TakenAttributes, takeAttributes } from './content.ts';
import { type Item, lowersOf, placeOf, upperOf } from './plan.ts';

const { S_IFMT, S_IFDIR } = constants;

/** Takes something from its old path to a name in the staging directory. */
export interface Move {
  readonly from: string;
  readonly stage: string;
}

/** One thing done to the upper. `stage` names something in the staging directory; paths are absolute in the upper. */
export type Step =
  | { readonly kind: 'place'; readonly stage: string; readonly path: string }
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly existing: string; readonly stage: string; readonly path: string }
  | { readonly kind: 'mark'; readonly path: string }
  | { readonly kind: 'unmark'; readonly path: string }
  | {
      readonly kind: 'patch';
      readonly stage: string;
      readonly path: string;
      /** Where the pieces in the staged file belong: position and length, in bytes. */
      readonly ranges: readonly (readonly [number, number])[];
      /** What is beyond this in the file is cut off first. */
      readonly cut: number;
      readonly size: number;
    }
  | { readonly kind: 'attributes'; readonly path: string; readonly attributes: TakenAttributes };

/** A step, and the inode whose content it needs or that it makes. */
interface DraftStep {
  readonly step: Step;
  readonly needs: Inode | undefined;
}

export interface Draft {
  readonly moves: readonly Move[];
  readonly steps: readonly DraftStep[];
}

/** Writes down what a plan does. `copied` are directories all of whose children are in the plan; `dirty` the inodes that were. */
export function draft(
  tree: Tree,
  items: readonly Item[],
  contents: ReadonlyMap<Inode, Content>,
  copied: ReadonlySet<Directory>,
  dirty: ReadonlySet<Inode>,
): Draft {
  const writer = new DraftWriter(tree, contents, copied);
  for (const item of items) writer.moveAway(item);
  for (const item of items) writer.name(item);
  writer.patches();
  writer.attributes(items, dirty);
  return writer.finish();
}

class DraftWriter {
  readonly #tree: Tree;
  readonly #contents: ReadonlyMap<Inode, Content>;
  readonly #copied: ReadonlySet<Directory>;
  readonly #moves: (Move & { readonly depth: number })[] = [];
  readonly #steps: DraftStep[] = [];
  /** What was moved to the staging directory and gets a new name, by inode. */
  readonly #moved = new Map<Inode, string>();
  /** Where an inode has its first name after the batch. */
  readonly #paths = new Map<Inode, string>();
  readonly #made: Directory[] = [];

  constructor(tree: Tree, contents: ReadonlyMap<Inode, Content>, copied: ReadonlySet<Directory>) {
    this.#tree = tree;
    this.#contents = contents;
    this.#copied = copied;
  }

  /** What the upper has at a name and should not have there leaves it. */
  moveAway({ directory, name, want, isTransparent }: Item): void {
    const upper = upperOf(directory);
    if (upper?.layer?.names.has(name) !== true) return;
    const held = upper.held.get(name);
    const wanted = isTransparent ? undefined : want;
    if (held !== undefined && held === wanted) return;
    const isDir = upper.layer.names.get(name) === S_IFDIR;
    const isElsewhere = held !== undefined && this.#keeps(held, upper, name);
    // A file that nobody wants any more is replaced by the rename of the new one, at once.
    if (wanted !== undefined && !isDirectory(wanted) && !isDir && !isElsewhere) return;
    const stage = `m${this.#moves.length}`;
    const from = `${upper.path === '/' ? '' : upper.path}/${name}`;
    this.#moves.push({ from, stage, depth: from.split('/').length });
    if (isElsewhere && held !== undefined) this.#moved.set(held, stage);
  }

  /** Whether an inode that loses this name in the upper gets another there, for which this is its content. */
  #keeps(held: Inode, upper: UpperSource, name: string): boolean {
    if (held.nlink === 0 || this.#contents.get(held)?.kind === 'whole') return false;
    if (isDirectory(held)) return upperOf(held)?.parent === upper && upperOf(held)?.name === name && isNamed(held);
    return placeOf(held) === upper && held.originName === name && isNamed(held);
  }

  /** Gives a name what should be there. */
  name(item: Item): void {
    const { directory, name, want, isTransparent, below } = item;
    const upper = upperOf(directory);
    const path = this.#pathIn(directory, name);
    const hasMark = upper?.layer?.whiteouts.has(name) === true;
    const mark = this.#pathIn(directory, whiteoutName(name));
    if (want === undefined) {
      if (below !== undefined && !hasMark) this.#step({ kind: 'mark', path: mark });
      else if (below === undefined && hasMark) this.#step({ kind: 'unmark', path: mark });
      return;
    }
    if (!isTransparent && upper?.held.get(name) !== want) {
      if (isDirectory(want)) this.#placeDirectory(item, want, path);
      else this.#placeFile(want, path);
    } else if (!isTransparent && this.#contents.get(want)?.kind === 'whole') {
      this.#placeFile(want, path);
    }
    if (hasMark) this.#step({ kind: 'unmark', path: mark });
  }

  #placeDirectory({ below }: Item, want: Directory, path: string): void {
    const stage = this.#moved.get(want);
    if (stage !== undefined) this.#step({ kind: 'place', stage, path });
    else this.#step({ kind: 'mkdir', path, mode: want.mode & 0o7777 }, want);
    this.#made.push(want);
    // A directory that shows nothing of what the lowers have there says so (L5).
    const hidesDirectory = below !== undefined && (below.attributes.mode & S_IFMT) === S_IFDIR;
    const isNew = lowersOf(want).length === 0 || this.#copied.has(want);
    if (isNew && hidesDirectory && upperOf(want)?.layer?.isOpaque !== true) {
      this.#step({ kind: 'mark', path: `${path}/${OPAQUE_MARK}` });
    }
  }

  #placeFile(want: Inode, path: string): void {
    const first = this.#paths.get(want) ?? this.#keptPath(want);
    const content = this.#contents.get(want);
    if (first !== undefined) {
      this.#step({ kind: 'link', existing: first, stage: `l${this.#steps.length}`, path }, want);
      return;
    }
    const stage = content?.kind === 'whole' ? content.stage : this.#moved.get(want);
    if (stage === undefined) return;
    this.#step({ kind: 'place', stage, path }, content?.kind === 'whole' ? want : undefined);
    this.#paths.set(want, path);
  }

  /** The path at which the upper goes on holding an inode; undefined when it is moved, written anew or not there. */
  #keptPath(inode: Inode): string | undefined {
    if (this.#moved.has(inode) || this.#contents.get(inode)?.kind === 'whole') return undefined;
    const place = placeOf(inode);
    if (place === undefined) return undefined;
    // Its directory may have moved, so the path is the one that the tree shows.
    for (const { directory, name } of namesOf(inode)) {
      if (upperOf(directory) === place && name === inode.originName) return this.#pathIn(directory, name);
    }
    return undefined;
  }

  /** Pages of files that the upper keeps. */
  patches(): void {
    for (const content of this.#contents.values()) {
      const { inode, kind, stage, supplied, size } = content;
      const path = this.#paths.get(inode) ?? this.#keptPath(inode);
      if (kind !== 'pages' || path === undefined) continue;
      const { pageSize } = this.#tree.memory;
      const ranges = content.pages.map(({ index, twin }) => [index * pageSize, twin.length] as const);
      this.#step({ kind: 'patch', stage, path, ranges, cut: supplied, size }, inode);
    }
  }

  /** Attributes of what was there before, and of every directory in which something was done, the deepest first. */
  attributes(items: readonly Item[], dirty: ReadonlySet<Inode>): void {
    for (const inode of dirty) {
      // A link has its attributes from when it was made.
      if (isDirectory(inode) || isSymlink(inode) || inode.nlink === 0) continue;
      if (this.#contents.get(inode)?.kind === 'whole') continue;
      const path = this.#paths.get(inode) ?? this.#keptPath(inode);
      if (path !== undefined) this.#step({ kind: 'attributes', path, attributes: takeAttributes(inode) }, inode);
    }
    const directories = new Set<Directory>([...this.#made, ...items.map(({ directory }) => directory)]);
    for (const inode of dirty)
      if (isDirectory(inode) && upperOf(inode) !== undefined && isNamed(inode)) directories.add(inode);
    const paths = [...directories].map((directory) => ({ directory, path: this.#pathOf(directory) }));
    paths.sort((a, b) => b.path.length - a.path.length);
    for (const { directory, path } of paths) {
      if (directory !== this.#tree.root || dirty.has(directory)) {
        this.#step({ kind: 'attributes', path, attributes: takeAttributes(directory) });
      }
    }
  }

  finish(): Draft {
    const moves = [...this.#moves].sort((a, b) => b.depth - a.depth);
    return { moves: moves.map(({ from, stage }) => ({ from, stage })), steps: this.#steps };
  }

  #step(step: Step, needs?: Inode): void {
    this.#steps.push({ step, needs });
  }

  #pathOf(directory: Directory): string {
    const root = this.#tree.root.sources[0]?.path ?? '/';
    const path = pathOf(this.#tree.root, directory);
    if (root === '/') return path;
    return path === '/' ? root : root + path;
  }

  #pathIn(directory: Directory, name: string): string {
    const above = this.#pathOf(directory);
    return above === '/' ? `/${name}` : `${above}/${name}`;
  }
}

function isNamed(inode: Inode): boolean {
  return inode.parent !== undefined;
}
