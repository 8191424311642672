/** Differences in what `cp` and `rm` do between the supported versions of Node. */

const MAJOR = Number.parseInt(process.versions.node, 10);

/**
 * Since Node 24 `rmSync` is written in C++, which removes what is in a directory before it tries the directory, and
 * words its errors in its own way, which changed a little with Node 26.
 */
export const NATIVE_RM: 'none' | 'names the path twice' | 'names the path once' =
  MAJOR >= 26 ? 'names the path once' : MAJOR >= 24 ? 'names the path twice' : 'none';

/** Since Node 22 `rmSync` of a directory that was given as a URL names the URL; the other forms name its path. */
export const RM_NAMES_URLS: Readonly<Record<'now' | 'later', boolean>> = { now: MAJOR >= 22, later: false };

/**
 * Since Node 22 the first checks of `cpSync` are written in C++, which throws errors without `info`, `path` and
 * `syscall`.
 */
export const NATIVE_CP_CHECKS: boolean = MAJOR >= 22;

/**
 * Since Node 22 `cp` does not merge directories where `errorOnExist` forbids it; since Node 26 `cpSync` does not
 * either.
 */
export const MERGE_IS_REFUSED: Readonly<Record<'now' | 'later', boolean>> = { now: MAJOR >= 26, later: MAJOR >= 22 };

/** Since Node 24 only a link to a directory can be refused for lying in what it would replace. */
export const ONLY_DIRECTORIES_HOLD: boolean = MAJOR >= 24;

/** Since Node 26 `preserveTimestamps` applies to directories too. */
export const DIRECTORIES_KEEP_TIMES: boolean = MAJOR >= 26;

/** Which directories Node copies in C++, where there is no filter. */
export type NativeDirectories = 'none' | 'new ones, links left' | 'all';

/**
 * Since Node 22 `cpSync` copies directories in C++. Since Node 26 `cp` does too, if the directory is not there yet and
 * links are not followed. Then the times of what is in them go through doubles of seconds, else through dates, which
 * have milliseconds.
 */
export const NATIVE_DIRECTORIES: Readonly<Record<'now' | 'later', NativeDirectories>> = {
  now: MAJOR >= 22 ? 'all' : 'none',
  later: MAJOR >= 26 ? 'new ones, links left' : 'none',
};
