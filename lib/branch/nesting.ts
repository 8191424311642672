/**
 * Overlays that are branches of other overlays: what is known of an fs-like object because one of ours made it.
 *
 * An object that merely passes calls on to an overlay is not known here; used as an upper it is refused by its own overlay, since it
 * is then told names that no overlay has (`whiteout.ts`).
 */

/** What is known of an overlay's `fs`. */
export interface Nesting {
  /** How many overlays it is made of, one being the upper of the next: 0 for one whose upper is no overlay. */
  readonly level: number;
  /** Who makes files by it, and which permission bits they do not get. */
  readonly writer: { readonly uid: number; readonly gid: number; umask(): number };
  /** What is written there is only held in memory, in the end. */
  readonly memory: boolean;
}

/** An entry lives as long as the object. */
const known = new WeakMap<object, Nesting>();

/** Says what an `fs` (or its `promises`) belongs to. */
export function noteNesting(fs: object, nesting: Nesting): void {
  known.set(fs, nesting);
}

/** What is known of an fs-like object; undefined where no overlay made it. */
export function nestingOf(fs: object): Nesting | undefined {
  const promises: unknown = Reflect.get(fs, 'promises');
  return known.get(fs) ?? (typeof promises === 'object' && promises !== null ? known.get(promises) : undefined);
}

/** The level at which whiteouts are spelled in it; see `whiteout.ts`. */
export function levelIn(fs: object): number {
  const nesting = nestingOf(fs);
  return nesting === undefined ? 0 : nesting.level + 1;
}
