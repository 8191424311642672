/**
 * Write-back: bringing the upper up to date. One batch at a time:
 *
 *     plan ──► stage contents ──► journal ──► moves and steps ──► settle
 *       │          │                 └ from here on the batch is decided: what fails is tried again by the next
 *       │          │                   write-back, or after a crash by whoever mounts the upper
 *       │          └ one content fails: its inode stays dirty, the rest goes on
 *       └ takes the dirty part of the tree; gives it back when nothing was decided
 */

import type { Branch } from '../branch/branch.ts';
import type { Upper } from '../branch/upper/upper.ts';
import { EBUSY, Errno } from '../errno.ts';
import { type Errand, runAsync, syncIo } from '../fault.ts';
import { type Inode, isDirectory, isSymlink, namesOf } from '../tree/inode.ts';
import { UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';
import { carryOutBatch, numbersOf } from './area/carry-out.ts';
import { removeFile } from './area/files.ts';
import { endHolder, newHolder } from './area/lock.ts';
import { areaAt, clearStage, endBatch, mount, noteNumbers, unmount, writeJournal } from './area/work-area.ts';
import { adoptNameless, type Batch, failWhoIsBoundTo, isIndivisible, makeBatch, watch } from './batch.ts';
import { type Command, carryOutLater, carryOutNow, type Procedure, type Target, tell } from './commands.ts';
import { stageContent, type Writer } from './content.ts';
import { noteFailure } from './errors.ts';
import { isRead } from './places.ts';
import { type Plan, plan } from './plan.ts';
import { giveBack, settle } from './settle.ts';

/** How far a write-back is. */
export interface Progress {
  /** Files done. */
  readonly done: number;
  /** Files to be done in all. */
  readonly total: number;
  /** Bytes written so far. */
  readonly bytes: number;
  /** The file that was last written: absolute in the overlay. */
  readonly path: string;
}

/** One file that could not be written back. */
export interface Failure {
  /** Absolute in the overlay. */
  readonly path: string;
  readonly errno: Errno;
}

/** Who is told of what happens. */
export interface Listeners {
  /** Every command, before it is carried out. */
  onCommand(command: Command): void;
  /** Every file that could not be written, at once. */
  onFailure(failure: Failure): void;
}

/** How one write-back is done. */
export interface Manner {
  /** Hears of each file when it is staged. */
  onProgress?(progress: Progress): void;
  /** Once aborted, nothing more is begun; what is decided by then is done all the same. */
  readonly signal?: AbortSignal;
}

/** How the upper is reached, and who writes there. */
export interface UpperAccess extends Omit<Writer, 'can'> {
  readonly branch: Branch;
  readonly upper: Upper;
  /** Where in the branch the upper's root is. */
  readonly root: string;
  /** Waits, at once or later. */
  readonly pause: Target['pause'];
}

/** Writes one overlay back to one upper. */
export class WriteBack {
  readonly #tree: Tree;
  readonly #target: Target;
  readonly #writer: Writer;
  readonly #area: ReturnType<typeof areaAt>;
  readonly #listeners: Listeners;
  readonly #holder = newHolder();
  /** Where in the file of numbers the next go. Changed by `#mount` and `#finish`. */
  #numbersSize = 0;
  /** The write-back under way without blocking; settles when it ends. Changed by `later`. */
  #running: Promise<void> | undefined;
  /** What a failure left decided but not done. Changed by `#batch` and `#finish`. */
  #decided: Batch | undefined;
  /** Something may be left in the staging directory. Changed by `#batch` and `#finish`. */
  #isStageUsed = false;
  /** The staging directory, as far as the tree has anything there. */
  readonly #stage: UpperSource;
  /** The last name given in the staging directory. Changed by `#nameStage`. */
  #lastStage = 0;
  /** How many bytes of content were handed to the upper. Changed as commands go by. */
  written = 0;

  constructor(tree: Tree, { branch, upper, root, uid, gid, umask, pause }: UpperAccess, listeners: Listeners) {
    this.#tree = tree;
    this.#area = areaAt(root, tree.spelling);
    this.#stage = new UpperSource(branch, this.#area.stage, 0, undefined, '');
    this.#writer = { uid, gid, umask, can: upper.can };
    this.#listeners = listeners;
    const trace = (command: Command) => {
      if (command.kind === 'write') this.written += command.bytes.length;
      listeners.onCommand(command);
    };
    this.#target = { branch, upper, trace, pause };
  }

  /** Takes the upper. Throws an `UpperError` when somebody else has it or its work area is damaged. */
  get mounting(): Errand {
    return this.#errand('mount', () => this.#mount());
  }

  /** Gives the upper back. */
  get unmounting(): Errand {
    endHolder(this.#holder);
    return this.#errand('unmount', () => unmount(this.#area));
  }

  #errand(key: string, procedure: () => Procedure<void>): Errand {
    return {
      key,
      now: () => carryOutNow(this.#target, procedure()),
      later: () => carryOutLater(this.#target, procedure()),
    };
  }

  *#mount(): Procedure<void> {
    const { dev, numbers, size } = yield* mount(this.#area, this.#holder, this.#tree.dev, this.#writer);
    this.#tree.dev = dev;
    this.#tree.numbers.remember(numbers);
    this.#numbersSize = size;
  }

  /** What is written there only lies in memory a second time. */
  get isInMemory(): boolean {
    return this.#target.upper.memory;
  }

  /** A write-back that does not block is under way. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Whether there is anything to write. */
  get isDirty(): boolean {
    const { dirty } = this.#tree;
    return this.#decided !== undefined || (dirty !== undefined && !dirty.isEmpty);
  }

  /**
   * Writes back all that is dirty, at once.
   *
   * @returns what could not be written, and stays dirty
   * @throws EBUSY while a write-back is under way; the bare error of what failed once a batch was decided
   */
  now(manner: Manner): Failure[] {
    if (this.#running !== undefined) throw EBUSY;
    carryOutNow(this.#target, this.#finish());
    const taken = plan(syncIo, this.#tree, this.#nameStage);
    return carryOutNow(this.#target, taken === undefined ? this.#tidy() : this.#batch(taken, manner));
  }

  /** Writes back all that is dirty, after whatever is under way. As `now`, without blocking. */
  async later(manner: Manner): Promise<Failure[]> {
    while (this.#running !== undefined) await this.#running;
    const run = this.#run(manner);
    const running = run.then(
      () => {},
      () => {},
    );
    this.#running = running;
    try {
      return await run;
    } finally {
      this.#running = undefined;
    }
  }

  async #run(manner: Manner): Promise<Failure[]> {
    manner.signal?.throwIfAborted();
    await carryOutLater(this.#target, this.#finish());
    const taken = await runAsync((io) => plan(io, this.#tree, this.#nameStage), manner.signal);
    return carryOutLater(this.#target, taken === undefined ? this.#tidy() : this.#batch(taken, manner));
  }

  readonly #nameStage = (): string => `${++this.#lastStage}`;

  /** Stages, decides and carries out what was planned. */
  *#batch(taken: Plan, manner: Manner): Procedure<Failure[]> {
    const failed = new Map(taken.refused);
    let batch: Batch;
    try {
      if (this.#isStageUsed) yield* this.#clearStage();
      this.#isStageUsed = true;
      yield* this.#stageAll(taken, manner, failed);
      batch = makeBatch(taken, failed);
      if (isIndivisible(batch)) yield* this.#noteNumbers(batch);
      else yield* writeJournal(this.#area, batch.moves, batch.steps);
    } catch (thrown) {
      giveBack(this.#tree, taken);
      if (thrown instanceof Errno) {
        for (const inode of taken.inodes) if (!failed.has(inode)) this.#report(inode, thrown);
      }
      throw thrown;
    }
    this.#decided = batch;
    adoptNameless(this.#tree, batch, this.#stage);
    yield* this.#finish();
    return [...failed].map(([inode, errno]) => this.#failureOf(inode, errno));
  }

  *#stageAll(taken: Plan, { onProgress, signal }: Manner, failed: Map<Inode, Errno>): Procedure<void> {
    const total = taken.contents.size;
    let done = 0;
    for (const [{ mode }, stage] of taken.stages) {
      // Open to us until all is in it; its own mode comes last.
      yield* tell({ kind: 'mkdir', path: `${this.#area.stage}/${stage}`, mode: 0o700 | (mode & 0o777) });
    }
    for (const content of taken.contents.values()) {
      signal?.throwIfAborted();
      try {
        yield* stageContent(this.#tree.memory, content, this.#area.stage, this.#writer);
      } catch (thrown) {
        if (!(thrown instanceof Errno)) throw thrown;
        failed.set(content.inode, thrown);
        // In a directory that gets its place as a whole there is to be nothing that is not complete.
        yield* removeFile(`${this.#area.stage}/${content.stage}`);
      }
      done++;
      onProgress?.({ done, total, bytes: this.written, path: this.#pathOf(content.inode) });
    }
    failWhoIsBoundTo(taken, failed);
    for (const [inode, errno] of failed) this.#report(inode, errno);
  }

  /** Carries out what is decided, from wherever it stopped. */
  *#finish(): Procedure<void> {
    const batch = this.#decided;
    if (batch === undefined) return;
    try {
      const watcher = watch(this.#tree, batch, this.#stage);
      yield* carryOutBatch(this.#area, batch, batch.cursor, this.#writer, watcher);
      if (!isIndivisible(batch)) {
        yield* this.#noteNumbers(batch);
        yield* endBatch(this.#area);
      }
    } catch (thrown) {
      if (thrown instanceof Errno) for (const inode of batch.plan.inodes) this.#report(inode, thrown);
      throw thrown;
    }
    settle(this.#tree, batch.plan, batch.failed);
    this.#decided = undefined;
    yield* this.#tidy();
  }

  /** Clears the staging directory. It holds nothing that is wanted, so what fails is left to the next time. */
  *#tidy(): Procedure<Failure[]> {
    try {
      if (this.#isStageUsed) yield* this.#clearStage();
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
    }
    return [];
  }

  *#noteNumbers({ plan: { contents }, steps, failed }: Batch): Procedure<void> {
    const known = new Map<string, number>();
    for (const { inode, kind, stage, staged } of contents.values()) {
      if (kind === 'whole' && staged !== undefined && !failed.has(inode)) known.set(stage, Number(staged.ino));
    }
    this.#numbersSize = yield* noteNumbers(this.#area, yield* numbersOf(steps, known), this.#numbersSize);
  }

  /** Removes what is staged, but for what is still read although it has no name any more. */
  *#clearStage(): Procedure<void> {
    const stage = this.#stage;
    const state = yield* clearStage(this.#area, (name) => isRead(stage, name));
    for (const name of stage.held.keys()) if (!isRead(stage, name)) stage.held.delete(name);
    this.#isStageUsed = state === 'in use';
  }

  /** Tells whoever has to hear of it that an inode could not be written. */
  #report(inode: Inode, errno: Errno): void {
    noteFailure(inode, errno);
    this.#listeners.onFailure(this.#failureOf(inode, errno));
  }

  #failureOf(inode: Inode, errno: Errno): Failure {
    return { path: this.#pathOf(inode), errno };
  }

  #pathOf(inode: Inode): string {
    if (isDirectory(inode)) return pathOf(this.#tree.root, inode);
    const [link] = namesOf(inode);
    if (link === undefined) return isSymlink(inode) ? '(a link without a name)' : '(a file without a name)';
    const above = pathOf(this.#tree.root, link.directory);
    return above === '/' ? `/${link.name}` : `${above}/${link.name}`;
  }
}
