/**
 * The overlay's upper: taking it, writing back to it, giving it back.
 */

import { ActingUppers, type Author } from '../branch/upper/acting.ts';
import { EBUSY, Errno } from '../errno.ts';
import type { Errand } from '../fault.ts';
import { systemError } from '../fs/errors.ts';
import { Authors } from '../pages/authors.ts';
import type { Credentials } from '../tree/caller.ts';
import type { Inode } from '../tree/inode.ts';
import { UpperSource } from '../tree/sources/source.ts';
import type { Flusher, Tree } from '../tree/tree.ts';
import { untilAborted } from '../waiting/aborts.ts';
import type { Timers } from '../waiting/timers.ts';
import { attachUpper, noteChanges } from '../writeback/attach.ts';
import { countFailures, noteFailure } from '../writeback/errors.ts';
import type { Failure, Fate, Listeners, Manner, Reach } from '../writeback/report.ts';
import { WriteThrough } from '../writeback/when/through.ts';
import { Triggers } from '../writeback/when/triggers.ts';
import { WriteBack } from '../writeback/write-back.ts';
import { makeDefaultUpper } from './default-upper.ts';
import type { ParsedOptions, ParsedUpper } from './options.ts';

/** The process, which writes to an upper that is not an overlay. */
const OURSELVES = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, umask: () => process.umask() };

/** When and how the upper is brought up to date. */
type How = Pick<ParsedOptions, 'writeback' | 'timers'>;

/** The upper of one overlay, which may have none yet. */
export class UpperControl implements Flusher {
  readonly #tree: Tree;
  /** The overlay was made read-only. */
  readonly #isReadonly: boolean;
  readonly #listeners: Listeners;
  readonly #timers: Timers;
  /** What becomes of content that the upper refuses. */
  readonly #fate: Fate;
  /** What the user gave, or the volume that was made when one was first needed. Changed by `#makeVolume`. */
  given: object | string | undefined;
  /** The uppers that act for others; undefined where the upper cannot tell its writers apart. Set by `#connect`. */
  #acting: ActingUppers | undefined;
  /** Undefined while there is no upper. Changed by the constructor, `syncNow`, `syncLater` and `#letGo`. */
  #writeBack: WriteBack | undefined;
  /**
   * The mount of a promise-only upper, under way or done; undefined before, and after it failed. Changed by `#mount`.
   */
  #mounting: Promise<void> | undefined;

  /** The close under way without blocking. Changed by `closeLater`. */
  #closing: Promise<void> | undefined;
  /** How many calls are closing it. Changed by `#holdChanges` and `#allowChanges`. */
  #closers = 0;
  /** How many bytes an upper has got that was given back. Changed by `#letGo`. */
  #writtenBefore = 0;
  /** The upper has everything, and nothing changes any more. Set by `closeNow` and `closeLater`. */
  #isClosed = false;
  /** Undefined where the overlay does not write through. Set by the constructor. */
  #through: WriteThrough | undefined;
  /** Background write-back; undefined where there is none. Set by the constructor. */
  #triggers: Triggers | undefined;

  constructor(tree: Tree, upper: ParsedUpper | undefined, { writeback: options, timers }: How, listeners: Listeners) {
    this.#tree = tree;
    this.#isReadonly = tree.isReadonly;
    this.#timers = timers;
    this.#listeners = listeners;
    this.#fate = options.onError === 'discard' ? 'discarded' : 'retained';
    if (upper === undefined) {
      if (options.mode === 'through') this.#writeThrough(this.#makeVolume());
      return;
    }
    this.given = upper.given;
    this.#writeBack = this.#connect(upper);
    noteChanges(tree);
    const { mounting } = this.#writeBack;
    // The first call waits for the mount: before it, the upper may show half of what a crash interrupted.
    if (upper.branch.sync === undefined) tree.mounting = { ...mounting, later: () => this.#mount(mounting) };
    else this.#worded(() => mounting.now());
    tree.flusher = this;
    if (options.mode === 'through') this.#writeThrough(this.#writeBack);
    if (options.mode !== 'behind' || this.#writeBack.isInMemory || tree.dirty === undefined) return;
    const triggers = new Triggers(options, timers, () => this.syncLater({}, 'upper'));
    this.#triggers = triggers;
    tree.dirty.onFirst = () => triggers.noteChange();
  }

  #writeThrough(writeBack: WriteBack): void {
    this.#writeBack = writeBack;
    writeBack.reporter.isWhole = true;
    writeBack.reporter.fate = 'discarded';
    this.#through = new WriteThrough(this.#tree, writeBack);
    this.#tree.through = this.#through;
  }

  #connect({ branch, upper, root, as }: ParsedUpper): WriteBack {
    const { nesting } = upper;
    this.#tree.can = upper.can;
    const who = nesting === undefined ? OURSELVES : nesting.writer;
    const { sleep, wait } = this.#timers;
    // An overlay that says "not now" to a synchronous call goes on saying so while this process blocks.
    const pause = { now: nesting === undefined ? sleep : undefined, later: wait };
    const acting = as && new ActingUppers(as);
    if (acting !== undefined) {
      this.#acting = acting;
      this.#tree.memory.authors = new Authors({ uid: who.uid, gid: who.gid, groups: [] });
    }
    const writeBack = new WriteBack(this.#tree, { branch, upper, root, acting, ...who, pause }, this.#listeners);
    writeBack.reporter.fate = this.#fate;
    return writeBack;
  }

  /** Makes the default upper. */
  #makeVolume(): WriteBack {
    const upper = makeDefaultUpper();
    this.given = upper.given;
    const writeBack = this.#connect(upper);
    writeBack.mounting.now();
    attachUpper(this.#tree, new UpperSource(upper.branch, upper.root, 0, undefined, ''));
    return writeBack;
  }

  /**
   * The author for some credentials, or the overlay itself where there are none; undefined where the upper cannot tell
   * its writers apart. Throws a TypeError or BranchError where `upper.as` returns something that cannot be an upper.
   */
  authorFor(credentials: Credentials | undefined): Author | undefined {
    const { authors } = this.#tree.memory;
    if (credentials === undefined || authors === undefined) return authors?.own;
    const author = authors.of(credentials.uid, credentials.gid, credentials.groups ?? []);
    this.#acting?.meet(author);
    return author;
  }

  /** Whether what is written back is only held in memory, in the end. */
  get isInMemory(): boolean {
    return this.#writeBack?.isInMemory ?? true;
  }

  /** How many bytes the upper has got. */
  get written(): number {
    return this.#writtenBefore + (this.#writeBack?.written ?? 0);
  }

  /** Mounts the upper without blocking, once for all calls; after a failure the next call tries again. */
  #mount({ later }: Errand): Promise<void> {
    this.#mounting ??= later().then(
      () => {
        this.#tree.mounting = undefined;
      },
      (thrown: unknown) => {
        this.#mounting = undefined;
        throw thrown;
      },
    );
    return this.#mounting;
  }

  /** Whether the upper was never mounted, since no call needed it. */
  get #isUntouched(): boolean {
    return this.#tree.mounting !== undefined && this.#mounting === undefined;
  }

  flush(inode: Inode): Errand | undefined {
    const writeBack = this.#writeBack;
    this.#tree.dirty?.hurryTimes([inode]);
    if (writeBack === undefined || !writeBack.isUnstable || inode.nlink === 0) return undefined;
    const before = countFailures(inode);
    // Descriptors hear of a failure by the count of failures, not by an error here.
    const note = (thrown: unknown) => {
      if (!(thrown instanceof Errno) || (thrown === EBUSY && writeBack.isBusy)) throw thrown;
      if (countFailures(inode) === before) noteFailure(inode, thrown);
    };
    return {
      key: 'flush',
      now: () => {
        try {
          this.#through?.endNow();
          this.#noteEnd(writeBack, writeBack.now({}, 'storage'));
        } catch (thrown) {
          note(thrown);
        }
      },
      later: async () => {
        try {
          await this.#through?.ended();
          this.#noteEnd(writeBack, await writeBack.later({}, 'storage'));
        } catch (thrown) {
          note(thrown);
        }
      },
    };
  }

  relieve(dirtyBytes: number): Errand | undefined {
    const writeBack = this.#writeBack;
    if (writeBack === undefined || this.#triggers?.mustWait(dirtyBytes) !== true) return undefined;
    return this.#relief('relieve', writeBack);
  }

  bring(): Errand | undefined {
    return this.#writeBack && this.#relief('bring', this.#writeBack);
  }

  /** A write-back for which a writer waits that did not ask for it. */
  #relief(key: string, writeBack: WriteBack): Errand {
    const triggers = this.#triggers;
    const end = (failures: readonly Failure[]) => {
      if (failures.length > 0) triggers?.noteEnd('failed');
      this.#noteEnd(writeBack, failures);
    };
    // The descriptors of the failed files hear of it, not the writer that happened to wait.
    const fail = (thrown: unknown) => {
      if (!(thrown instanceof Errno)) throw thrown;
      triggers?.noteEnd('failed');
    };
    return {
      key,
      now: () => {
        // Does nothing where the upper cannot be written to at once, or from within a write-back.
        if (!writeBack.canWriteNow || writeBack.isBusy) return;
        try {
          end(writeBack.now({}, 'upper'));
        } catch (thrown) {
          fail(thrown);
        }
      },
      later: () => writeBack.later({}, 'upper').then(end, fail),
    };
  }

  /**
   * Notes the end of a write-back. A failure of one that was asked for is its caller's, and does not affect background
   * write-back.
   */
  #noteEnd(writeBack: WriteBack, failures: readonly Failure[]): void {
    if (failures.length > 0) return;
    this.#triggers?.noteEnd('arrived');
    if (!writeBack.isDirty) this.#triggers?.noteRest(this.#tree.memory.quota.bytes);
  }

  noteWrite(dirtyBytes: number): void {
    this.#triggers?.noteWrite(dirtyBytes);
  }

  /** Writes everything back, at once. */
  syncNow(manner: Manner): void {
    if (this.#isClosed) return;
    this.#writeBack ??= this.#makeVolume();
    this.#tree.mounting?.now();
    const writeBack = this.#writeBack;
    const failures = this.#worded(() => {
      this.#through?.endNow();
      return writeBack.now(manner, 'storage');
    });
    this.#noteEnd(writeBack, failures);
    throwAll(failures);
  }

  /** Writes everything back. */
  async syncLater(manner: Manner, reach: Reach = 'storage'): Promise<void> {
    if (this.#isClosed) return;
    this.#writeBack ??= this.#makeVolume();
    const writeBack = this.#writeBack;
    let failures: Failure[];
    try {
      await this.#tree.mounting?.later();
      if (this.#through !== undefined) await untilAborted(this.#through.ended(), manner.signal);
      failures = await writeBack.later(manner, reach);
    } catch (thrown) {
      throw this.#inWords(thrown);
    }
    this.#noteEnd(writeBack, failures);
    throwAll(failures);
  }

  /** The directory of the upper, for errors about the upper as a whole. */
  get #directory(): string | undefined {
    return typeof this.given === 'string' ? this.given : undefined;
  }

  #worded<R>(run: () => R): R {
    try {
      return run();
    } catch (thrown) {
      throw this.#inWords(thrown);
    }
  }

  #inWords(thrown: unknown): unknown {
    return thrown instanceof Errno ? syncError(thrown, this.#directory) : thrown;
  }

  /** Writes everything back and gives the upper back. */
  closeNow(): void {
    this.#holdChanges();
    try {
      this.#endNow();
      this.#isClosed = true;
    } finally {
      this.#allowChanges();
    }
  }

  /** The same without blocking, once for all calls at the same time. */
  closeLater(): Promise<void> {
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined;
    });
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#holdChanges();
    try {
      await this.#endLater();
      this.#isClosed = true;
    } finally {
      this.#allowChanges();
    }
  }

  /** Refuses changes from now on, since they might not reach the upper. */
  #holdChanges(): void {
    this.#closers++;
    this.#tree.isReadonly = true;
  }

  /** Allows changes again, unless that was the end, or another call is still closing it. */
  #allowChanges(): void {
    this.#closers--;
    this.#tree.isReadonly = this.#isReadonly || this.#isClosed || this.#closers > 0;
  }

  #endNow(): void {
    const writeBack = this.#writeBack;
    if (writeBack === undefined || this.#isUntouched) return;
    this.#tree.dirty?.hurryTimes();
    this.syncNow({});
    this.#worded(() => writeBack.unmounting.now());
    this.#letGo(writeBack);
  }

  async #endLater(): Promise<void> {
    const writeBack = this.#writeBack;
    if (writeBack === undefined || this.#isUntouched) return;
    this.#tree.dirty?.hurryTimes();
    await this.syncLater({});
    try {
      await writeBack.unmounting.later();
    } catch (thrown) {
      throw this.#inWords(thrown);
    }
    this.#letGo(writeBack);
  }

  /** Ends the use of the upper, unless a synchronous call has done so meanwhile. */
  #letGo(writeBack: WriteBack): void {
    if (this.#writeBack !== writeBack) return;
    this.#triggers?.stop();
    this.#writtenBefore += writeBack.written;
    this.#writeBack = undefined;
  }
}

function syncError(errno: Errno, path: string | undefined): Error {
  return systemError(errno, 'sync', path, undefined, syncError);
}

function throwAll(failures: readonly Failure[]): void {
  if (failures.length === 0) return;
  const errors = failures.map(({ path, errno }) => syncError(errno, path));
  const paths = failures.map(({ path, errno }) => `${path} (${errno.code})`);
  const shown = paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ');
  throw new AggregateError(errors, `could not be written back: ${shown}`);
}
