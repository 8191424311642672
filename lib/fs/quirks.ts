/**
 * Where the Nodes we run on differ in what a call does. (Where they differ in what they refuse, they are asked: `dry-run.ts`.)
 */

import { ENOENT, ENOTDIR, type Errno } from '../errno.ts';
import { originalFs } from '../node/original-fs.ts';
import { isOfSystem } from './dry-run.ts';

const MAJOR = Number.parseInt(process.versions.node, 10);

/** The errors that `throwIfNoEntry: false` makes undefined of. */
export const NO_ENTRY: readonly Errno[] = [ENOENT];

/** The same for `stat`, which since Node 22 counts a path through a file. */
export const NO_ENTRY_OF_STAT: readonly Errno[] = MAJOR >= 22 ? [ENOENT, ENOTDIR] : [ENOENT];

/** The same for the callback and promise forms of `stat`, which do not know the option before Node 24. */
export const NO_ENTRY_OF_LATER_STAT: readonly Errno[] = MAJOR >= 24 ? NO_ENTRY_OF_STAT : [];

/** Since Node 26 `stat`, `lstat` and `fstat` can be aborted. */
export const STAT_SIGNALS = MAJOR >= 26 ? 'heeds signals' : 'ignores signals';

/** The same for the callback form of `stat`, which began with Node 24. */
export const STAT_CALLBACK_SIGNALS = MAJOR >= 24 ? 'heeds signals' : 'ignores signals';

/** Before Node 22 (libuv 1.49) a time that is no number is an error; since then that time is left as it is. */
export const REFUSES_NO_TIME: boolean = MAJOR < 22;

/** What a recursive listing does with links to directories. */
export type Links = 'followed' | 'left';

/** A listing with types follows them since Node 22, as one without types always did. */
export const LINKS_IN_TYPED_LISTING: Links = MAJOR >= 22 ? 'followed' : 'left';

/** The same in the promise form, which began with Node 26. */
export const LINKS_IN_PROMISED_LISTING: Links = MAJOR >= 26 ? 'followed' : 'left';

/**
 * Whether a recursive listing of names alone looks at each to tell whether it is a directory. In one that may be listed and not searched
 * nothing is, then; later Nodes go by the types that the listing tells.
 */
export const LOOKS_AT_NAMES = MAJOR < 26;

/** Before Node 26 a recursive listing that fails names the directory by a path without `./` and `//`. */
export const LISTING_BLAMES_NORMAL_PATHS: boolean = MAJOR < 26;

/** Before Node 26 `glob` goes on below a link where what follows a `**` names it, as if it were a directory. */
export const LINKS_BELOW_ANY_GO_ON: boolean = MAJOR < 26;

/** Before Node 24 `glob` tells its callback of wrong arguments; later ones throw. */
export const GLOB_CALLS_BACK_REFUSALS: boolean = MAJOR < 24;

/** Since Node 22 `promises.watch` has the options `maxQueue` and `overflow`; before, every change waits. */
export const WATCH_QUEUE_IS_BOUNDED: boolean = MAJOR >= 22;

/** Since Node 22 what `promises.watch` tells of has no prototype, unless it watches all below a directory. */
export const WATCH_EVENTS_ARE_BARE: boolean = MAJOR >= 22;

/** Before Node 22 `Stats` have their dates as properties of their own; since then they are made when they are looked at, as ours are always. */
export const STATS_HAVE_OWN_DATES: boolean = MAJOR < 22;

/** Since Node 24 those are seen by `Object.keys` from then on. */
export const MADE_DATES_SHOW: boolean = MAJOR >= 24;

/** Before Node 24 `truncate` takes a descriptor for a path. */
export const TRUNCATE_TAKES_DESCRIPTORS: boolean = MAJOR < 24;

/** How Node reads a whole file: where it does so in one trip to another thread, errors of reading name the path. */
export type Reading = 'in steps' | 'in one trip';

/** How it does in the callback and promise form: since Node 26 in one trip. */
export const LATER_READING: Reading = MAJOR >= 26 ? 'in one trip' : 'in steps';

/** Since Node 22 `read()` of a closed Dir rejects; before, it throws. */
export const READ_OF_CLOSED_DIR_REJECTS: boolean = MAJOR >= 22;

/** Since Node 26 `FileHandle.read` cuts the length to 32 bits before it looks at it. */
export const HANDLE_CUTS_LENGTH: boolean = MAJOR >= 26;

/** Before Node 22 `FileHandle.read` takes whatever is no position for the current one. */
export const HANDLE_TAKES_ANY_POSITION: boolean = MAJOR < 22;

/** Since Node 22 writing to a closed FileHandle is an error of its number; before, of the system call. Reading always was. */
export const WRITE_REFUSES_CLOSED_HANDLE: boolean = MAJOR >= 22;

/** Before Node 22 `FileHandle.readableWebStream` makes a stream of array buffers where it is not asked for bytes. */
export const WEB_STREAM_GIVES_ARRAY_BUFFERS: boolean = MAJOR < 22;

/** Since Node 25 a FileHandle that is collected open is an error, not a warning. */
export const LEAKED_HANDLE_IS_ERROR: boolean = MAJOR >= 25;

/** Whether `readFile` can read into a buffer of the caller's: unknown until somebody wants it. */
let readFileTakesBuffer: boolean | undefined;

/** Whether the running Node's `readFile` has the option `buffer`; where it has not, it ignores it. */
export function hasBufferOption(): boolean {
  if (readFileTakesBuffer === undefined) {
    const options = { buffer: 0 };
    try {
      // No descriptor has this number: only a Node that looks at the option says something else than EBADF.
      originalFs.readFileSync(2 ** 31 - 1, options as object);
    } catch (error) {
      readFileTakesBuffer = !isOfSystem(error);
    }
  }
  return readFileTakesBuffer === true;
}
