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
import { NotLoadedError } from '../branch/errors.ts';
import type { ActingUppers } from '../branch/upper/acting.ts';
import type { Upper } from '../branch/upper/upper.ts';
import { ENOTSUP, Errno } from '../errno.ts';
import { type Errand, type Io, runAsync, syncIo } from '../fault.ts';
import type { Inode } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import { untilAborted } from '../waiting/aborts.ts';
import { carryOutBatch } from './area/carry-out.ts';
import { flushAt } from './area/flush.ts';
import { endBatch, writeJournal } from './area/journal.ts';
import type { NotesFile } from './area/notes.ts';
import { Room } from './area/room.ts';
import { Tenure } from './area/tenure.ts';
import { areaAt } from './area/work-area.ts';
import {
  adoptNameless,
  type Batch,
  failWhoIsBoundTo,
  isIndivisible,
  isUndone,
  keepNames,
  makeBatch,
  settlePatches,
} from './batch.ts';
import { BatchWatcher } from './batch-watcher.ts';
import type { Command, Procedure } from './commands.ts';
import { Desk } from './drive/desk.ts';
import { type Drive, GivenUp } from './drive/drive.ts';
import { Line } from './drive/line.ts';
import type { Target } from './drive/perform.ts';
import { type Loss, Reporter } from './errors.ts';
import { addNotesOf, forgetInFile, forgetNotes } from './note-keeping.ts';
import { type Plan, plan } from './plan/plan.ts';
import { type Failure, type Heed, type Listeners, type Manner, type Reach, UNHEEDED } from './report.ts';
import { distrust, giveBack, settle, takeNotes } from './settle.ts';
import { failuresIn } from './stage/parts.ts';
import { Outdated, stageAll } from './stage/stage-all.ts';
import { StagingDirectory } from './stage/staging-directory.ts';
import type { Writer } from './stage/writer.ts';
import { flushBatch, flushStage, Unflushed } from './storage.ts';
import { discardAll } from './when/discard.ts';

/** How to reach the upper, and who writes there. */
export interface UpperAccess extends Omit<Writer, 'can' | 'isOnDisk' | 'company'> {
  readonly branch: Branch;
  readonly upper: Upper;
  /** The uppers that act for others; undefined where the upper cannot tell its writers apart. */
  readonly acting: ActingUppers | undefined;
  /** Waits, at once or later. */
  readonly pause: Target['pause'];
}

/** Writes one overlay back to one upper. */
export class WriteBack {
  readonly #tree: Tree;
  readonly #target: Target;
  readonly #writer: Writer;
  readonly #area: ReturnType<typeof areaAt>;
  readonly #tenure: Tenure;
  readonly #room: Room;
  /** Where notes go. Set by `mounting`. */
  #notesFile: NotesFile | undefined;
  readonly #line = new Line();
  readonly #desk: Desk;
  /** A batch that is decided and not done yet. Changed by `#batch` and `#finish`. */
  #decided: Batch | undefined;
  readonly #unflushed = new Unflushed();
  /**
   * How many plans were taken, and the number of the last one that has arrived or is decided. Changed by `#bring` and
   * `#batch`.
   */
  #taken = 0;
  #arrived = 0;
  readonly #stage: StagingDirectory;
  readonly reporter: Reporter;
  /** How many bytes of content were handed to the upper. Changed as commands are traced. */
  written = 0;

  constructor(tree: Tree, access: UpperAccess, listeners: Listeners) {
    const { branch, upper, acting, root, uid, gid, umask, pause } = access;
    this.#tree = tree;
    this.#area = areaAt(root, tree.spelling);
    const company = acting === undefined ? 'alone' : 'with others';
    this.#writer = { uid, gid, umask, can: upper.can, isOnDisk: branch.onDisk !== undefined, root, company };
    this.#stage = new StagingDirectory(branch, this.#area, this.#writer);
    this.reporter = new Reporter(tree, listeners);
    const trace = (command: Command) => {
      if (command.kind === 'write') this.written += command.bytes.length;
      else if (command.kind === 'put') for (const { length } of command.pieces) this.written += length;
      listeners.onCommand(command);
    };
    this.#target = { branch, upper, acting, trace, pause };
    this.#room = new Room(this.#area, upper.memory ? 'none' : 'set aside');
    const last = () => forgetInFile(tree, this.#notesFile);
    this.#tenure = new Tenure(this.#target, this.#area, this.#writer, this.#room, last);
    // A straggler may have left something in the staging directory.
    this.#desk = new Desk(this.#target, () => this.#stage.use());
  }

  /** Takes the upper. Throws an `UpperError` when another overlay has it or its work area is damaged. */
  get mounting(): Errand {
    const tree = this.#tree;
    return this.#tenure.mounting(
      () => tree.dev,
      ({ dev, births, notes, notesFile }) => {
        tree.dev = dev;
        // An upper that is an overlay may show another birth time for a file after it forgot it or was mounted again;
        // but it never reuses an inode number.
        tree.numbers.areBirthsKnown = births === 'known' && tree.spelling.level === 0;
        takeNotes(tree, notes);
        this.#notesFile = notesFile;
      },
    );
  }

  /** Gives the upper back. */
  get unmounting(): Errand {
    return this.#tenure.unmounting;
  }

  /** Whether the upper is in memory, so that what is written there is only held twice. */
  get isInMemory(): boolean {
    return this.#target.upper.memory;
  }

  /** Whether there is anything that the upper does not have yet, including what is under way. */
  get isDirty(): boolean {
    const { dirty } = this.#tree;
    if (this.#decided !== undefined || this.#desk.isAtWork) return true;
    return dirty !== undefined && !dirty.isEmpty;
  }

  /** The same for its stable storage. */
  get isUnstable(): boolean {
    return this.isDirty || !this.#unflushed.isEmpty;
  }

  /** Whether a failure has left a batch decided and not done. */
  get isUnfinished(): boolean {
    return this.#decided !== undefined;
  }

  /** The present moment: what is changed now belongs to the next plan. */
  get moment(): number {
    return this.#taken;
  }

  /** Whether everything that was changed up to a moment has arrived, or is decided. */
  hasArrivedSince(moment: number): boolean {
    return this.#arrived > moment;
  }

  /**
   * Whether a command is being carried out at this moment, or its listener runs: the write-back cannot be taken over
   * from there.
   */
  get isBusy(): boolean {
    return this.#desk.isBusy;
  }

  /** Whether the upper can be written to at once. */
  get canWriteNow(): boolean {
    return this.#target.upper.sync !== undefined;
  }

  /** Throws where it cannot. */
  mustWriteNow(): void {
    if (!this.canWriteNow) throw new NotLoadedError(this.#target.branch, 'write', '');
  }

  /**
   * Writes back everything that is dirty, at once. A write-back that is under way without blocking is taken over: if
   * its batch is decided, it is continued; else it is given up, and what it had taken is dirty again.
   *
   * @returns what could not be written and stays dirty
   * @throws EBUSY from within a write-back; the bare error of what failed once a batch was decided
   */
  now(manner: Manner, reach: Reach): Failure[] {
    const { branch, upper } = this.#target;
    // Before anything is taken from the tree.
    if (upper.sync === undefined) throw new NotLoadedError(branch, 'be written to');
    if (this.#decided === undefined) this.#desk.giveUp();
    else this.#desk.goOnNow();
    this.#desk.runNow(this.#finish());
    for (;;) {
      try {
        return this.#desk.runNow(this.#bring(this.#planNow(), manner, reach));
      } catch (thrown) {
        if (!(thrown instanceof Outdated)) throw thrown;
      }
    }
  }

  #planNow(): Plan | undefined {
    try {
      return plan(syncIo, this.#tree, this.#area.stage, this.#stage.name);
    } catch (thrown) {
      return this.#failUnplanned(thrown);
    }
  }

  /** Reports a failure of everything that is dirty, since planning failed. */
  #failUnplanned(thrown: unknown): never {
    const { dirty } = this.#tree;
    if (thrown instanceof Errno && dirty !== undefined) this.reporter.tellAll(dirty, thrown);
    throw thrown;
  }

  /**
   * As `now`, but without blocking, and after whatever is under way. `heed` hears how it has ended before the next
   * write-back takes what is dirty.
   */
  async later(manner: Manner, reach: Reach, heed: Heed = UNHEEDED): Promise<Failure[]> {
    const { signal } = manner;
    const place = this.#line.join();
    if (place.turn !== undefined) {
      await untilAborted(place.turn, signal);
      if (signal?.aborted) place.leave();
      signal?.throwIfAborted();
    }
    const run = this.#run(manner, reach);
    void run.then(heed.ended, heed.failed).then(() => place.leave());
    await untilAborted(place.end, signal);
    if (signal?.aborted === true && !place.isLeft) {
      if (!this.#desk.isBusy && this.#decided === undefined) this.#desk.giveUp();
      throw signal.reason;
    }
    return run;
  }

  async #run(manner: Manner, reach: Reach): Promise<Failure[]> {
    for (;;) {
      manner.signal?.throwIfAborted();
      try {
        await this.#desk.runLater(this.#desk.begin(this.#finish()));
        const planned = runAsync((io) => this.#beginBatch(io, manner, reach), manner.signal);
        const drive = await planned.catch((thrown) => this.#failUnplanned(thrown));
        if (drive !== undefined) return await this.#desk.runLater(drive);
      } catch (thrown) {
        // Another call has taken over, or the plan is outdated. What is still dirty is tried again.
        if (!(thrown instanceof GivenUp) && !(thrown instanceof Outdated)) throw thrown;
      }
    }
  }

  /** Plans, and begins what was planned; undefined where a decided batch must be finished first. */
  #beginBatch(io: Io, manner: Manner, reach: Reach): Drive<Failure[]> | undefined {
    if (this.#decided !== undefined) return undefined;
    const taken = plan(io, this.#tree, this.#area.stage, this.#stage.name);
    // From here on nothing stops or fails.
    return this.#desk.begin(this.#bring(taken, manner, reach));
  }

  /** Brings what was taken to the upper, and to its stable storage if that is wanted. */
  *#bring(taken: Plan | undefined, manner: Manner, wanted: Reach): Procedure<Failure[]> {
    if (taken !== undefined) this.#taken++;
    const isWanted = wanted === 'storage' || this.#unflushed.isFull;
    const { flush } = this.#writer.can;
    const reach: Reach = isWanted && flush === 'each' ? 'storage' : 'upper';
    let failures: Failure[] = [];
    if (taken === undefined) yield* this.#tidy();
    else failures = yield* this.#batch(taken, manner, reach);
    if (isWanted && flush !== false && !this.#unflushed.isEmpty) {
      const onLoss = (inode: Inode) => distrust(this.#tree, inode);
      const { lost, thrown } = yield* this.#unflushed.flush(flush, this.#area, this.#notesFile, onLoss);
      const losses = [...lost].map(([inode, errno]): Loss => ({ inode, errno, fate: 'retained' }));
      this.reporter.tell(losses);
      if (thrown !== undefined) throw thrown;
      return [...failures, ...this.reporter.named(losses)];
    }
    return failures;
  }

  /** Stages, decides and carries out what was planned. */
  *#batch(taken: Plan, manner: Manner, reach: Reach): Procedure<Failure[]> {
    const failed = new Map(taken.refused);
    const told = new Set<Inode>();
    const moment = this.#taken;
    let batch: Batch;
    let discarded: readonly Loss[];
    try {
      // What was given up may still put something there.
      yield* this.#tidy();
      this.#stage.use();
      const lost = yield* this.#stageAll(taken, manner, failed, reach);
      failWhoIsBoundTo(taken, failed);
      batch = makeBatch(this.#tree, taken, failed, reach);
      discarded = this.reporter.tellLeftOut(batch, lost);
      for (const inode of failed.keys()) if (!batch.discards.has(inode)) told.add(inode);
      const [first] = failuresIn(taken, failed);
      const refusal = first?.errno ?? (taken.draft.unnamed.size > 0 ? ENOTSUP : undefined);
      if (this.reporter.isWhole && refusal !== undefined) throw refusal;
      if (isIndivisible(batch)) yield* this.#addNotes(batch);
      else {
        if (reach === 'storage') yield* flushStage(this.#area.stage, taken);
        yield* this.#room.orGive(() => writeJournal(this.#area, this.#stage.name(), batch, reach));
      }
    } catch (thrown) {
      giveBack(this.#tree, taken);
      if (thrown instanceof Errno) this.reporter.tellGivenUp(taken, failed, told, thrown);
      throw thrown;
    }
    const before = this.#arrived;
    [this.#decided, this.#arrived] = [batch, moment];
    adoptNameless(this.#tree, batch, this.#stage.source);
    keepNames(taken);
    try {
      yield* this.#finish();
      this.reporter.tell(discarded);
    } catch (thrown) {
      if (thrown instanceof Errno && isUndone(batch)) {
        [this.#decided, this.#arrived] = [undefined, before];
        giveBack(this.#tree, taken);
      }
      // What was to be discarded is still there: another call has taken over behind the batch, or something failed.
      for (const inode of batch.discards) if (inode.nlink > 0) this.#tree.dirty?.addInode(inode);
      throw thrown;
    }
    const failures = this.reporter.named(failuresIn(taken, failed));
    yield* discardAll(this.#tree, batch);
    return [...failures, ...this.reporter.tellUnnamed(taken.draft.unnamed)];
  }

  /** Stages all contents. Answers the inodes whose content could not be written, and notes the errors in `failed`. */
  #stageAll(taken: Plan, manner: Manner, failed: Map<Inode, Errno>, reach: Reach): Procedure<Inode[]> {
    const { stage: directory } = this.#area;
    const before = this.written;
    const written = () => this.written - before;
    return stageAll(taken, { tree: this.#tree, directory, writer: this.#writer, reach, manner, written }, failed);
  }

  /** Carries out the decided batch, from where it stopped. */
  *#finish(): Procedure<void> {
    const batch = this.#decided;
    if (batch === undefined) return;
    try {
      // Not a second time: then what was patched is clean, and the journal may be gone.
      if (!batch.hasArrived) yield* this.#carryOut(batch);
      batch.hasArrived = true;
      if (!isIndivisible(batch)) {
        yield* this.#addNotes(batch);
        yield* endBatch(this.#area, batch.reach);
      }
    } catch (thrown) {
      // The call that finishes the batch makes everything that has failed dirty again.
      batch.discards.clear();
      const fate = isUndone(batch) ? this.reporter.fateOfAll : 'retained';
      if (thrown instanceof Errno) this.reporter.tellAll(batch.plan, thrown, fate);
      throw thrown;
    }
    settle(this.#tree, batch);
    forgetNotes(this.#tree, batch);
    if (batch.reach === 'upper' && this.#writer.can.flush !== false) this.#unflushed.note(batch);
    this.#decided = undefined;
    yield* this.#tidy();
    yield* this.#room.makeAgain();
  }

  *#carryOut(batch: Batch): Procedure<void> {
    const onLost = (inode: Inode, errno: Errno) => this.reporter.tell([{ inode, errno, fate: 'retained' }]);
    const watcher = new BatchWatcher(this.#tree, batch, this.#stage, onLost);
    const { reach, cursor } = batch;
    const isDurable = reach === 'upper' || isIndivisible(batch) || cursor.moves + cursor.steps > 0;
    if (!isDurable) yield* flushAt(this.#area.base);
    yield* carryOutBatch(this.#area, batch, cursor, this.#writer, watcher);
    if (reach === 'upper') return;
    yield* flushBatch(batch);
    settlePatches(this.#tree, batch);
  }

  /** Clears the staging directory, unless the upper is being given back: it may belong to another overlay then. */
  *#tidy(): Procedure<void> {
    if (!this.#tenure.isEnding) yield* this.#stage.tidy();
  }

  #addNotes(batch: Batch): Procedure<void> {
    const past = this.#unflushed.isEmpty ? 'stored' : 'not stored';
    return addNotesOf(batch, this.#tree, this.#notesFile, this.#room, past);
  }
}
