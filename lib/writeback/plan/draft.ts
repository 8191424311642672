/**
 * From what should be at each name to what must be done: moves out of the way, then steps (`steps.ts`).
 *
 *     moves    what leaves its name goes to the staging directory, the deepest first, so that old paths stay right
 *     steps    directories and files get their names, parents first; whiteouts and marks; pages; attributes,
 *              directories last
 *
 * A directory that is new in the upper is staged with everything new in it, and gets its place by one rename.
 */

import { constants } from 'node:fs';
import { countNames, type Directory, type Inode, isDirectory, type Link, namesOf } from '../../tree/inode.ts';
import { pathIn, type UpperSource } from '../../tree/sources/source.ts';
import type { Tree } from '../../tree/tree.ts';
import { pathOf } from '../../tree/walk.ts';
import { heldNames, isRead, lowersOf, placeOf, upperOf } from '../places.ts';
import { type Content, takeAttributes } from './content.ts';
import type { Item } from './items.ts';
import type { Move, Step } from './steps.ts';

const { S_IFMT, S_IFDIR } = constants;

/** A move, and what the tree must know about it. */
export interface DraftMove extends Move {
  readonly source: UpperSource;
  readonly name: string;
  /** What gets the name afterwards. */
  readonly wanted: Inode | undefined;
  /** What is moved, if it gets another name. */
  readonly kept: Inode | undefined;
}

/** A step, and what the tree must know about it. */
export interface DraftStep {
  readonly step: Step;
  /** The inode that the step names, makes or changes. */
  readonly needs: Inode | undefined;
  /** Whether the step can be done if the content of that inode could not be written. */
  readonly without: 'needs content' | 'goes without';
  /** The name that the step is about. */
  readonly item: Item | undefined;
  /** The names in a new directory that come with the step, parents first. */
  readonly inner: readonly Item[];
  /**
   * The name of the file that the step is about, where that is not an item; its name in the staging directory, where it
   * has no other any more.
   */
  readonly place: Link | string | undefined;
}

/** What is done for a plan, in order. */
export interface Draft {
  /** The deepest first. */
  readonly moves: readonly DraftMove[];
  readonly steps: readonly DraftStep[];
  /** Further names of files that the upper cannot hold, since it has no links. */
  readonly unnamed: ReadonlySet<Item>;
}

/** What a draft is made of. */
export interface Material {
  readonly items: readonly Item[];
  readonly contents: ReadonlyMap<Inode, Content>;
  /** Directories that are new in the upper, with their names in the staging directory. */
  readonly stages: ReadonlyMap<Directory, string>;
  /** Directories whose children are all in the plan. */
  readonly copied: ReadonlySet<Directory>;
  /** The inodes that were dirty. */
  readonly dirty: ReadonlySet<Inode>;
  /** Gives a new name in the staging directory. */
  readonly nameStage: () => string;
  /** The path of the staging directory. */
  readonly staging: string;
}

/** Writes down what a plan does. */
export function draft(tree: Tree, material: Material): Draft {
  const { items, dirty } = material;
  const writer = new DraftWriter(tree, material);
  for (const item of items) writer.moveAway(item);
  for (const item of items) writer.name(item);
  writer.rewrites();
  writer.links();
  writer.patches();
  writer.attributes(items, dirty);
  return writer.finish();
}

class DraftWriter {
  readonly #tree: Tree;
  readonly #contents: ReadonlyMap<Inode, Content>;
  readonly #copied: ReadonlySet<Directory>;
  readonly #stages: ReadonlyMap<Directory, string>;
  readonly #nameStage: () => string;
  readonly #staging: string;
  readonly #moves: DraftMove[] = [];
  /** The names that moves get in the staging directory, by directory and name of the upper. */
  readonly #left = new Map<UpperSource, Map<string, string>>();
  readonly #steps: DraftStep[] = [];
  /** What comes with a directory that is staged as a whole, by its name in the staging directory. */
  readonly #wholes = new Map<string, { readonly items: Item[]; readonly numbers: [string, number][] }>();
  /** Steps that give files further names. */
  readonly #links: DraftStep[] = [];
  /** Inodes that are moved to the staging directory and get a new name, with their names there. */
  readonly #moved = new Map<Inode, string>();
  /** The first new name of each inode. */
  readonly #firsts = new Map<Inode, Link>();
  /** A lasting name of inodes that get no new one. */
  readonly #stays = new Map<Inode, Link>();
  /** Names that cannot be given, since the upper has no links. */
  readonly #unnamed = new Set<Item>();
  /** The paths at which files are placed. */
  readonly #named = new Set<string>();
  /** Directories whose times change in the upper, besides those of the items. */
  readonly #touched = new Set<Directory>();

  constructor(tree: Tree, { contents, copied, stages, nameStage, staging }: Material) {
    this.#tree = tree;
    this.#staging = staging;
    this.#contents = contents;
    this.#stages = stages;
    this.#copied = copied;
    this.#nameStage = nameStage;
  }

  /** Moves away what the upper has at a name and should not have there. */
  moveAway({ directory, name, want, isTransparent }: Item): void {
    const upper = upperOf(directory);
    if (upper?.layer?.names.has(name) !== true) return;
    const held = upper.held.get(name);
    const wanted = isTransparent ? undefined : want;
    if (held !== undefined && held === wanted) {
      // Its new content replaces the old one, which copies may need.
      if (upper.borrowers.has(name) && this.#contents.get(held)?.kind === 'whole') this.#moveOut(upper, name, held);
      return;
    }
    const isRenamed = held !== undefined && this.#isKept(held, upper, name);
    const type = upper.layer.names.get(name) ?? 0;
    // A file that is not needed or read any more is replaced by the rename of the new one.
    const isReplaced = wanted !== undefined && !isDirectory(wanted) && type !== 0 && type !== S_IFDIR;
    if (!isReplaced || isRenamed || isRead(upper, name)) this.#moveOut(upper, name, wanted);
  }

  /** Whether what the upper has under this name gets another name. */
  #isKept(held: Inode, upper: UpperSource, name: string): boolean {
    if (held.nlink === 0 || held.parent === undefined || this.#contents.get(held)?.kind === 'whole') return false;
    if (isDirectory(held)) return upperOf(held)?.parent === upper && upperOf(held)?.name === name;
    return placeOf(held) === upper && held.originName === name;
  }

  /** Moves what the upper has under a name to the staging directory; answers its name there. */
  #moveOut(source: UpperSource, name: string, wanted?: Inode): string {
    let left = this.#left.get(source);
    if (left === undefined) {
      left = new Map();
      this.#left.set(source, left);
    }
    const known = left.get(name);
    if (known !== undefined) return known;
    const stage = this.#nameStage();
    left.set(name, stage);
    const held = source.held.get(name);
    const kept = held !== undefined && this.#isKept(held, source, name) ? held : undefined;
    this.#moves.push({ from: pathIn(source, name), stage, source, name, wanted, kept });
    if (kept !== undefined) this.#moved.set(kept, stage);
    return stage;
  }

  /** Gives a name what should be there. */
  name(item: Item): void {
    const { directory, name, want, isTransparent, below } = item;
    const upper = upperOf(directory);
    const path = this.#pathIn(directory, name);
    const hasMark = upper?.layer?.whiteouts.has(name) === true;
    const mark = this.#pathIn(directory, this.#tree.spelling.whiteoutName(name));
    if (want === undefined) {
      if (below !== undefined && !hasMark) this.#step({ kind: 'mark', path: mark }, { item });
      else if (below === undefined && hasMark) this.#step({ kind: 'unmark', path: mark }, { item });
      return;
    }
    if (!isTransparent && upper?.held.get(name) !== want) {
      if (isDirectory(want)) this.#placeDirectory(item, want, path);
      else this.#placeFile(item, want, path);
    } else if (!isTransparent && this.#contents.get(want)?.kind === 'whole') {
      this.#placeFile(item, want, path);
    }
    if (hasMark && !this.#unnamed.has(item)) this.#step({ kind: 'unmark', path: mark }, { needs: want, item });
  }

  #placeDirectory(item: Item, want: Directory, path: string): void {
    const { below } = item;
    const held = upperOf(want);
    // The directory in which it lies may be removed as a whole.
    const stage = this.#moved.get(want) ?? (held?.parent && this.#moveOut(held.parent, held.name));
    if (stage !== undefined) this.#step({ kind: 'place', stage, path }, { needs: want, item });
    else this.#placeStaged(item, want, this.#stages.get(want) ?? '', path);
    this.#touched.add(want);
    // A directory that shows nothing of what the lowers have there is made opaque (L5).
    const hidesDirectory = below !== undefined && (below.attributes.mode & S_IFMT) === S_IFDIR;
    const isNew = lowersOf(want).length === 0 || this.#copied.has(want);
    if (isNew && hidesDirectory && upperOf(want)?.layer?.isOpaque !== true) {
      this.#step({ kind: 'mark', path: `${path}/${this.#tree.spelling.opaqueMark}` }, { item });
    }
  }

  /** Places something new, unless it comes with the directory in which it is staged. */
  #placeStaged(item: Item, want: Inode, stage: string, path: string): void {
    const { number } = want;
    const cut = stage.indexOf('/');
    if (cut >= 0) {
      const whole = this.#wholes.get(stage.slice(0, cut));
      whole?.items.push(item);
      whole?.numbers.push([stage.slice(cut + 1), number]);
    } else if (isDirectory(want)) {
      const whole = { items: [], numbers: [] };
      this.#wholes.set(stage, whole);
      this.#step(
        { kind: 'place', stage, path, number, inner: whole.numbers },
        { needs: want, item, inner: whole.items },
      );
    } else {
      this.#step({ kind: 'place', stage, path, number }, { needs: want, item });
    }
  }

  #placeFile(item: Item, want: Inode, path: string): void {
    this.#named.add(path);
    const first = this.#firstOf(want);
    const content = this.#contents.get(want);
    if (first !== undefined && !this.#tree.can.link) {
      this.#unnamed.add(item);
      return;
    }
    if (first !== undefined) {
      this.#step(
        { kind: 'link', existing: this.#pathOfLink(first), stage: this.#nameStage(), path },
        { needs: want, item },
      );
      return;
    }
    if (content?.kind === 'whole') {
      this.#placeStaged(item, want, content.stage, path);
    } else {
      const place = placeOf(want);
      const stage = this.#moved.get(want) ?? (place && this.#moveOut(place, want.originName));
      if (stage === undefined) return;
      this.#step({ kind: 'place', stage, path }, { needs: want, item });
    }
    this.#firsts.set(want, item);
  }

  /** The name at which the upper will hold an inode: where it is put, or where it stays. */
  #firstOf(inode: Inode): Link | undefined {
    const first = this.#firsts.get(inode);
    if (first !== undefined || this.#contents.get(inode)?.kind === 'whole') return first;
    const place = placeOf(inode);
    if (place === undefined || this.#moved.has(inode)) return undefined;
    const known = this.#stays.get(inode);
    if (known !== undefined) return known;
    // Its directory may have moved, so the path is that in the tree.
    const link = namesOf(inode).find(
      ({ directory, name }) => upperOf(directory) === place && name === inode.originName,
    );
    if (link !== undefined) this.#stays.set(inode, link);
    return link;
  }

  /**
   * Where a file that changes is: at a name or, if only names are left that were not looked at, in the staging
   * directory.
   */
  #whereOf(inode: Inode): { readonly path: string; readonly place: Link | string } | undefined {
    const first = this.#firstOf(inode);
    if (first !== undefined) return { path: this.#pathOfLink(first), place: first };
    const source = placeOf(inode);
    if (source === undefined || inode.parent !== undefined) return undefined;
    const place = this.#moveOut(source, inode.originName);
    return { path: `${this.#staging}/${place}`, place };
  }

  #pathOfLink({ directory, name }: Link): string {
    return this.#pathIn(directory, name);
  }

  /** Gives files that are written anew their new content under every name that they keep. */
  rewrites(): void {
    for (const { inode, kind, stage } of this.#contents.values()) {
      if (kind !== 'whole') continue;
      for (const { source, name, link } of heldNames(inode)) {
        const path = this.#pathIn(link.directory, name);
        if (this.#named.has(path)) continue;
        this.#touched.add(link.directory);
        const existing = this.#firsts.get(inode);
        if (source.borrowers.has(name)) this.#moveOut(source, name, inode);
        if (existing !== undefined) {
          const stage = this.#nameStage();
          this.#step(
            { kind: 'link', existing: this.#pathOfLink(existing), stage, path },
            { needs: inode, place: link },
          );
        } else {
          this.#step({ kind: 'place', stage, path, number: inode.number }, { needs: inode, place: link });
          this.#firsts.set(inode, link);
        }
      }
    }
  }

  /** Adds the steps for further names of files, last: the first name may be in a directory that gets its place late. */
  links(): void {
    this.#steps.push(...this.#links);
  }

  /** Adds the steps that write pages into files of the upper. */
  patches(): void {
    for (const content of this.#contents.values()) {
      const { inode, kind, stage, supplied, size } = content;
      const where = kind === 'pages' ? this.#whereOf(inode) : undefined;
      if (where === undefined) continue;
      const { path, place } = where;
      const { pageSize } = this.#tree.memory;
      const ranges = content.pages.map(({ index, twin }) => [index * pageSize, twin.length] as const);
      this.#step({ kind: 'patch', stage, path, ranges, cut: supplied, size }, { needs: inode, place });
    }
  }

  /**
   * Adds the steps that set attributes: of what was there before, and of every directory in which something was done,
   * the deepest first.
   */
  attributes(items: readonly Item[], dirty: ReadonlySet<Inode>): void {
    for (const inode of dirty) {
      if (isDirectory(inode) || inode.nlink === 0) continue;
      if (this.#contents.get(inode)?.kind === 'whole') continue;
      const where = this.#whereOf(inode);
      if (where === undefined) continue;
      const { path, place } = where;
      const below = Math.min(this.#tree.kept.linksBelow(inode), inode.nlink - countNames(inode));
      const attributes = takeAttributes(this.#tree, inode, below);
      this.#step({ kind: 'attributes', path, number: inode.number, attributes }, { needs: inode, place });
    }
    const directories = new Set<Directory>([...this.#touched, ...items.map(({ directory }) => directory)]);
    for (const inode of dirty)
      if (isDirectory(inode) && upperOf(inode) !== undefined && inode.parent !== undefined) directories.add(inode);
    const paths = [...directories].map((directory) => ({ directory, path: this.#pathOf(directory) }));
    paths.sort((a, b) => b.path.length - a.path.length);
    for (const { directory, path } of paths) {
      if (directory !== this.#tree.root || dirty.has(directory)) {
        const { number } = directory;
        this.#step({ kind: 'attributes', path, number, attributes: takeAttributes(this.#tree, directory, 0) }, {});
      }
    }
  }

  finish(): Draft {
    const depthOf = ({ from }: Move) => from.split('/').length;
    return { moves: this.#moves.sort((a, b) => depthOf(b) - depthOf(a)), steps: this.#steps, unnamed: this.#unnamed };
  }

  /** Adds a step, and what the tree must know about it. */
  #step(step: Step, { needs, item, place, inner = [] }: Partial<Omit<DraftStep, 'step' | 'without'>>): void {
    const hasContent = needs !== undefined && this.#contents.get(needs)?.kind === 'whole';
    const steps = step.kind === 'link' ? this.#links : this.#steps;
    const isPages = step.kind === 'patch' || step.kind === 'attributes';
    const without = hasContent || isPages ? 'needs content' : 'goes without';
    steps.push({ step, needs, without, item, place, inner });
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
