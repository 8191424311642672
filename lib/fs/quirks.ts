/**
 * Differences in what calls do between the supported versions of Node. (Differences in what they refuse are found out
 * by asking: `dry-run.ts`.)
 */

import { ENOENT, ENOTDIR, type Errno } from '../errno.ts';
import { originalFs } from '../node/original-fs.ts';
import { isOfSystem } from './dry-run.ts';

const MAJOR = Number.parseInt(process.versions.node, 10);

/** The errors that `throwIfNoEntry: false` turns into undefined. */
export const NO_ENTRY: readonly Errno[] = [ENOENT];

/** The same for `stat`, which since Node 22 counts a path through a file. */
export const NO_ENTRY_OF_STAT: readonly Errno[] = MAJOR >= 22 ? [ENOENT, ENOTDIR] : [ENOENT];

/** The same for the callback and promise forms of `stat`, which do not know the option before Node 24. */
export const NO_ENTRY_OF_LATER_STAT: readonly Errno[] = MAJOR >= 24 ? NO_ENTRY_OF_STAT : [];

/** Since Node 26 `stat`, `lstat` and `fstat` can be aborted. */
export const STAT_SIGNALS = MAJOR >= 26 ? 'heeds signals' : 'ignores signals';

/** The same for the callback form of `stat`, which began with Node 24. */
export const STAT_CALLBACK_SIGNALS = MAJOR >= 24 ? 'heeds signals' : 'ignores signals';

/** Before Node 22 (libuv 1.49) a time of NaN is an error; since then it leaves that time as it is. */
export const REFUSES_NO_TIME: boolean = MAJOR < 22;

/** Since Node 22 an infinite time, which only text can be, means now; before, it is an error. */
export const ENDLESS_TIME_IS_NOW: boolean = MAJOR >= 22;

/** What a recursive listing does with links to directories. */
export type Links = 'followed' | 'left';

/** A listing with types follows them since Node 22, as one without types always did. */
export const LINKS_IN_TYPED_LISTING: Links = MAJOR >= 22 ? 'followed' : 'left';

/** The same in the promise form, which began with Node 26. */
export const LINKS_IN_PROMISED_LISTING: Links = MAJOR >= 26 ? 'followed' : 'left';

/** Which of the directories that a recursive listing has found it lists next. */
export type Next = 'the nearest' | 'the last found';

/** Before Node 26 the promise form takes the last found. */
export const NEXT_IN_PROMISED_LISTING: Next = MAJOR >= 26 ? 'the nearest' : 'the last found';

/**
 * Whether a recursive listing of names looks at each name to tell whether it is a directory. Then nothing is one in a
 * directory that may be listed but not searched. Later versions use the types in the listing.
 */
export const LOOKS_AT_NAMES = MAJOR < 26;

/** Before Node 26 the error of a recursive listing has the path of the directory without `./` and `//`. */
export const LISTING_BLAMES_NORMAL_PATHS: boolean = MAJOR < 26;

/** Before Node 26 `glob` goes on below a link where what follows a `**` names it, as if it were a directory. */
export const LINKS_BELOW_ANY_GO_ON: boolean = MAJOR < 26;

/** Before Node 24 `glob` passes errors of wrong arguments to its callback; later versions throw. */
export const GLOB_CALLS_BACK_REFUSALS: boolean = MAJOR < 24;

/** Since Node 22 `promises.watch` has the options `maxQueue` and `overflow`; before, the queue has no limit. */
export const WATCH_QUEUE_IS_BOUNDED: boolean = MAJOR >= 22;

/** Since Node 22 the events of `promises.watch` have no prototype, unless it is recursive. */
export const WATCH_EVENTS_ARE_BARE: boolean = MAJOR >= 22;

/**
 * Before Node 22 the dates of `Stats` are own properties; since then they are made on first access, as ours always are.
 */
export const STATS_HAVE_OWN_DATES: boolean = MAJOR < 22;

/** Since Node 24 `Object.keys` shows dates that were accessed. */
export const MADE_DATES_SHOW: boolean = MAJOR >= 24;

/** Before Node 24 `truncate` takes a descriptor for a path. */
export const TRUNCATE_TAKES_DESCRIPTORS: boolean = MAJOR < 24;

/** How Node reads a whole file. If it does so in one trip to another thread, errors of reading name the path. */
export type Reading = 'in steps' | 'in one trip';

/** How the callback and promise forms read: in one trip since Node 26. */
export const LATER_READING: Reading = MAJOR >= 26 ? 'in one trip' : 'in steps';

/** Before Node 24 `mkdtemp` with an empty prefix gives mkdtemp(3) one letter X too few, which refuses that. */
export const MKDTEMP_NEEDS_PREFIX: boolean = MAJOR < 24;

/** Since Node 22 `read()` of a closed Dir rejects; before, it throws. */
export const READ_OF_CLOSED_DIR_REJECTS: boolean = MAJOR >= 22;

/** Since Node 26 `FileHandle.read` cuts the length to 32 bits before it looks at it. */
export const HANDLE_CUTS_LENGTH: boolean = MAJOR >= 26;

/** Before Node 22 `FileHandle.read` takes anything that is not a position for the current one. */
export const HANDLE_TAKES_ANY_POSITION: boolean = MAJOR < 22;

/**
 * Since Node 22 writing to a closed FileHandle fails for its number, as reading always did; before, the system call
 * fails.
 */
export const WRITE_REFUSES_CLOSED_HANDLE: boolean = MAJOR >= 22;

/** Before Node 22 `FileHandle.readableWebStream` gives array buffers unless `type` is `bytes`. */
export const WEB_STREAM_GIVES_ARRAY_BUFFERS: boolean = MAJOR < 22;

/** Since Node 25 a FileHandle that is collected open is an error, not a warning. */
export const LEAKED_HANDLE_IS_ERROR: boolean = MAJOR >= 25;

/** Whether `readFile` has the option `buffer`; undefined until it is needed. Set by `hasBufferOption`. */
let readFileTakesBuffer: boolean | undefined;

/** Whether the running Node's `readFile` has the option `buffer`, or ignores it. */
export function hasBufferOption(): boolean {
  if (readFileTakesBuffer === undefined) {
    const options = { buffer: 0 };
    try {
      // No descriptor has this number, so only a Node that checks the option throws anything but EBADF.
      originalFs.readFileSync(2 ** 31 - 1, options as object);
    } catch (error) {
      readFileTakesBuffer = !isOfSystem(error);
    }
  }
  return readFileTakesBuffer === true;
}
