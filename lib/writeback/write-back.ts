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
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';
import { type Command, carryOutLater, carryOutNow, type Procedure, type Target, tell } from './commands.ts';
import { type Content, stageContent, type Writer } from './content.ts';
import type { Step } from './draft.ts';
import { noteFailure } from './errors.ts';
import { endHolder, newHolder } from './lock.ts';
import { type Plan, plan } from './plan.ts';
import { giveBack, settle } from './settle.ts';
import {
  areaAt,
  carryOutBatch,
  clearStage,
  mount,
  noteNumbers,
  removeFile,
  unmount,
  writeJournal,
} from './work-area.ts';

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

/** A batch that is decided and not yet carried out to its end. */
interface Decided {
  readonly plan: Plan;
  readonly failed: ReadonlyMap<Inode, Errno>;
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
  #decided: Decided | undefined;
  /** How many bytes of content were handed to the upper. Changed as commands go by. */
  written = 0;

  constructor(tree: Tree, { branch, upper, root, uid, gid, umask, pause }: UpperAccess, listeners: Listeners) {
    this.#tree = tree;
    this.#area = areaAt(root);
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
    return this.#decided !== undefined || (dirty !== undefined && dirty.inodes.size + dirty.names.size > 0);
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
    const taken = plan(syncIo, this.#tree);
    return taken === undefined ? [] : carryOutNow(this.#target, this.#batch(taken, manner));
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
    const taken = await runAsync((io) => plan(io, this.#tree), manner.signal);
    return taken === undefined ? [] : carryOutLater(this.#target, this.#batch(taken, manner));
  }

  /** Stages, decides and carries out what was planned. */
  *#batch(taken: Plan, manner: Manner): Procedure<Failure[]> {
    const failed = new Map(taken.refused);
    try {
      yield* this.#stage(taken, manner, failed);
      const { moves } = taken.draft;
      const steps = stepsWithout(taken, failed);
      // A single renaming into place is a whole by itself.
      const isWhole = moves.length === 0 && steps.length <= 1 && steps[0]?.kind !== 'patch';
      if (!isWhole) yield* writeJournal(this.#area, moves, steps);
    } catch (thrown) {
      giveBack(this.#tree, taken);
      if (thrown instanceof Errno) for (const inode of taken.inodes) noteFailure(inode, thrown);
      yield* clearStage(this.#area);
      throw thrown;
    }
    this.#decided = { plan: taken, failed };
    yield* this.#finish();
    return [...failed].map(([inode, errno]) => this.#report(inode, errno));
  }

  *#stage(taken: Plan, { onProgress, signal }: Manner, failed: Map<Inode, Errno>): Procedure<void> {
    const total = taken.contents.size;
    let done = 0;
    for (const content of taken.contents.values()) {
      signal?.throwIfAborted();
      try {
        yield* stageContent(this.#tree.memory, content, this.#area.stage, this.#writer);
      } catch (thrown) {
        if (!(thrown instanceof Errno)) throw thrown;
        failed.set(content.inode, thrown);
        noteFailure(content.inode, thrown);
        yield* removeFile(`${this.#area.stage}/${content.stage}`);
      }
      done++;
      onProgress?.({ done, total, bytes: this.written, path: this.#pathOf(content.inode) });
    }
  }

  /** Carries out what is decided, from wherever it stopped. */
  *#finish(): Procedure<void> {
    if (this.#decided === undefined) return;
    const { plan: taken, failed } = this.#decided;
    const steps = stepsWithout(taken, failed);
    yield* carryOutBatch(this.#area, taken.draft.moves, steps, this.#writer);
    yield* this.#lookAtPatched(taken, steps);
    const numbers = yield* this.#newNumbers(taken, failed);
    yield* removeFile(this.#area.journal);
    yield* clearStage(this.#area);
    this.#numbersSize = yield* noteNumbers(this.#area, numbers, this.#numbersSize);
    settle(this.#tree, taken, failed);
    this.#decided = undefined;
  }

  /** How the files look whose pages were written into them: by that a change by somebody else is told. */
  *#lookAtPatched(taken: Plan, steps: readonly Step[]): Procedure<void> {
    const byStage = new Map<string, Content>();
    for (const content of taken.contents.values()) byStage.set(content.stage, content);
    for (const step of steps) {
      const content = step.kind === 'patch' ? byStage.get(step.stage) : undefined;
      if (content !== undefined && step.kind === 'patch')
        content.staged = yield* tell({ kind: 'lstat', path: step.path });
    }
  }

  /** The numbers of what is new in the upper. */
  *#newNumbers(taken: Plan, failed: ReadonlyMap<Inode, Errno>): Procedure<Map<number, number>> {
    const numbers = new Map<number, number>();
    for (const { inode, kind, staged } of taken.contents.values()) {
      if (kind === 'whole' && staged !== undefined && !failed.has(inode)) numbers.set(Number(staged.ino), inode.number);
    }
    for (const { step, needs } of taken.draft.steps) {
      if (step.kind !== 'mkdir' || needs === undefined) continue;
      const made = yield* tell({ kind: 'lstat', path: step.path });
      if (made !== undefined) numbers.set(Number(made.ino), needs.number);
    }
    numbers.delete(0);
    return numbers;
  }

  #report(inode: Inode, errno: Errno): Failure {
    const failure = { path: this.#pathOf(inode), errno };
    this.#listeners.onFailure(failure);
    return failure;
  }

  #pathOf(inode: Inode): string {
    if (isDirectory(inode)) return pathOf(this.#tree.root, inode);
    const [link] = namesOf(inode);
    if (link === undefined) return isSymlink(inode) ? '(a link without a name)' : '(a file without a name)';
    const above = pathOf(this.#tree.root, link.directory);
    return above === '/' ? `/${link.name}` : `${above}/${link.name}`;
  }
}

/** The steps that need no content which could not be written. */
function stepsWithout({ draft }: Plan, failed: ReadonlyMap<Inode, Errno>): Step[] {
  return draft.steps.filter(({ needs }) => needs === undefined || !failed.has(needs)).map(({ step }) => step);
}
