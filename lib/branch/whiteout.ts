/**
 * How whiteouts are spelled in a directory tree: as in the OCI image layer specification, so that other tools can read
 * an upper and overfs can read their layers.
 *
 *     .wh.NAME        NAME is removed: it hides what the layers below call NAME
 *     .wh..wh..opq    the directory that holds it is opaque: nothing shows from the layers below
 *     .wh..wh.*       the rest of this kind belongs to aufs, which invented the spelling: hides nothing, is not shown
 *     /.overfs        our work area, at the root of the upper only
 *
 * An overlay refuses such names in itself, since its own upper could not hold them. An overlay whose upper is an
 * overlay spells its marks with a number, so that they are ordinary names to the inner one; an overlay over that one
 * uses the next number, and so on:
 *
 *     level 0: an upper that is no overlay       .wh.NAME     .wh..wh..opq      .overfs
 *     level 1: an upper that is an overlay       .wh1.NAME    .wh1..wh1..opq    .overfs1
 *     level 2: whose upper is an overlay too     .wh2.NAME    .wh2..wh2..opq    .overfs2
 */

/** One way to spell whiteouts. Immutable. */
export class Spelling {
  /** How many overlays the branch is made of, one being the upper of the next. */
  readonly level: number;
  /** The name whose presence makes a directory opaque. */
  readonly opaqueMark: string;
  /** The name of the work area at the root of an upper. */
  readonly workArea: string;
  readonly #prefix: string;
  readonly #aufsPrefix: string;
  readonly #reserved: number;

  /** @param reserved the highest level whose names cannot be shown */
  constructor(level: number, reserved: number) {
    this.level = level;
    const number = level === 0 ? '' : `${level}`;
    this.#prefix = `.wh${number}.`;
    this.#aufsPrefix = this.#prefix + this.#prefix;
    this.opaqueMark = `${this.#aufsPrefix}.opq`;
    this.workArea = `.overfs${number}`;
    this.#reserved = Math.max(level, reserved);
  }

  /** The name that hides `name` in the layers below. */
  whiteoutName(name: string): string {
    return this.#prefix + name;
  }

  /**
   * The name that a whiteout hides; undefined where `name` is not a whiteout (opaque marks and aufs's own names are
   * not).
   */
  hiddenName(name: string): string | undefined {
    if (!name.startsWith(this.#prefix) || name.startsWith(this.#aufsPrefix)) return undefined;
    const hidden = name.slice(this.#prefix.length);
    return hidden === '' || hidden === '.' || hidden === '..' ? undefined : hidden;
  }

  /** Whether a name of a layer is a mark, which never shows in the overlay. Work areas are `isWorkArea`. */
  isMark(name: string): boolean {
    return name.startsWith('.wh') && this.#isReserved(MARK.exec(name));
  }

  /** Whether a name in the root is a work area, which never shows either. */
  isWorkArea(name: string): boolean {
    return name.startsWith('.overfs') && this.#isReserved(AREA.exec(name));
  }

  #isReserved(match: RegExpExecArray | null): boolean {
    return match !== null && Number(match[1] ?? 0) <= this.#reserved;
  }
}

const MARK = /^\.wh([1-9]\d*)?\./;
const AREA = /^\.overfs([1-9]\d*)?$/;

/** The spelling in a branch that is not an overlay. */
export const PLAIN = new Spelling(0, 0);
