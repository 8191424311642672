/**
 * Where the names of a directory come from: a directory of a branch.
 *
 * Those of lowers never move. Those of the upper do, since write-back renames what was renamed here, so they know their place by
 * their parent and not by a path.
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

  /** Whether it cannot show this name, since it stands for something else in layers (`branch/whiteout.ts`). */
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
  /** What it holds on the upper; undefined until somebody asked. Changed by `layer.ts` and `writeback/settle.ts`. */
  layer: Layer | undefined = undefined;
  /** It is of an upper that was made empty for this tree, and so has nothing to say of the root's attributes. Set by `attachUpper`. */
  isMadeForTree = false;
  /** The inodes that the upper has under its names, as far as they are in memory. Changed by `load.ts` and `writeback/settle.ts`. */
  readonly held = new Map<string, Inode>();
  /**
   * Copies of the files under its names that have some of their bytes there only: they must be heeded when such a file changes.
   * Changed by `borrow.ts`.
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
