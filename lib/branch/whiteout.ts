/**
 * How whiteouts are spelled in a directory tree: as the OCI image layer specification has it, so that other tools can read
 * an upper and we can read their layers.
 *
 *     .wh.NAME        NAME is removed: it hides what the layers below call NAME
 *     .wh..wh..opq    the directory that holds it is opaque: nothing shows from the layers below
 *     .wh..wh.*       the rest of this kind belongs to aufs, which invented the spelling; it hides nothing, nor does it show
 *     /.overfs        our work area, at the root of the upper only
 */

const PREFIX = '.wh.';
const AUFS_PREFIX = '.wh..wh.';

/** The name whose presence makes a directory opaque. */
export const OPAQUE_MARK = '.wh..wh..opq';

/** The name of the work area at the root of an upper. */
export const WORK_AREA = '.overfs';

/** The name that hides `name` in the layers below. */
export function whiteoutName(name: string): string {
  return PREFIX + name;
}

/** The name that a whiteout hides; undefined where `name` is no whiteout (opaque marks and aufs's own names are none). */
export function hiddenName(name: string): string | undefined {
  if (!name.startsWith(PREFIX) || name.startsWith(AUFS_PREFIX)) return undefined;
  const hidden = name.slice(PREFIX.length);
  return hidden === '' || hidden === '.' || hidden === '..' ? undefined : hidden;
}

/** Whether a name of a layer says something about the layer and so never shows in the overlay; the work area apart. */
export function isMark(name: string): boolean {
  return name.startsWith(PREFIX);
}
