/**
 * A source of a directory's names: a directory of a branch.
 *
 * Directories of lowers never move. Those of the upper do, since write-back renames what was renamed here; so they know
 * their parent and not their path.
 */

import type { Branch } from '../../branch/branch.ts';
import type { Inode } from '../inode.ts';
import type { Layer } from './layer.ts';

/** Whether a directory of a branch is shown as the overlay's root. */
type Place = 'root' | 'below';

/** A directory of a branch. Immutable. */
export class Source {
  readonly branch: Branch;
  /** Whether the overlay's root shows it. */
  readonly #place: Place;
  /** The branch's device number of the directory, which its files share. */
  readonly dev: number;
  readonly #path: string;

  /** @param path absolute in the branch, normal */
  constructor(branch: Branch, path: string, dev: number, place: Place = 'below') {
    this.branch = branch;
    this.#place = place;
    this.#path = path;
    this.dev = dev;
  }

  /** Absolute in the branch. */
  get path(): string {
    return this.#path;
  }

  /** Whether it cannot show this name, because the name is a mark (`branch/whiteout.ts`). */
  hides(name: string): boolean {
    const { spelling } = this.branch;
    return spelling.isMark(name) || (this.#place === 'root' && spelling.isWorkArea(name));
  }

  /** The directory of this name in it. */
  child(name: string, dev: number): Source {
    return new Source(this.branch, pathIn(this, name), dev);
  }
}

/** The path of a name in a source. */
export function pathIn(source: Source, name: string): string {
  const { path } = source;
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

/** A directory of the upper. */
export class UpperSource extends Source {
  /** Undefined for the root of the upper. Changed by `writeback/settle.ts` when the directory was moved. */
  parent: UpperSource | undefined;
  /** Its name in `parent`. Changed likewise. */
  name: string;
  /** What it holds in the upper; undefined until that was read. Changed by `layer.ts` and `writeback/settle.ts`. */
  layer: Layer | undefined = undefined;
  /** Its upper was made empty for this tree, and so does not tell the root's attributes. Set by `attachUpper`. */
  isMadeForTree = false;
  /**
   * The inodes that the upper has under its names, as far as they are in memory. Changed by `load.ts`, `sweep.ts` and
   * `writeback/`.
   */
  readonly held = new Map<string, Inode>();
  /**
   * Copies of the files under its names that have some of their bytes only there. Before such a file changes they must
   * get the bytes. Changed by `borrow.ts`.
   */
  readonly borrowers = new Map<string, Set<Inode>>();

  constructor(branch: Branch, root: string, dev: number, parent: UpperSource | undefined, name: string) {
    super(branch, root, dev, parent === undefined ? 'root' : 'below');
    this.parent = parent;
    this.name = name;
  }

  override get path(): string {
    return this.parent === undefined ? super.path : pathIn(this.parent, this.name);
  }

  override child(name: string, dev: number): UpperSource {
    return new UpperSource(this.branch, '', dev, this, name);
  }
}
