/**
 * Random histories of write-back while somebody writes: an overlay over a directory whose answers are late, and calls between any two of
 * them. What must come out is told by an overlay without an upper, on which the same calls are made. A seed repeats a history.
 */

import nodeFs from 'node:fs';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { Dice } from '../dice.ts';
import {
  bytesOf,
  type FileSystem,
  forgetLock,
  leftovers,
  mount,
  newLower,
  PAGE,
  survey,
  type UpperFs,
  whichOf,
  writeAt,
} from './rig.ts';

const FILES = [
  '/a',
  '/b',
  '/c',
  '/d/x',
  '/d/y',
  '/e/x',
  '/src/f1',
  '/src/f2',
  '/src/deep/g0',
  '/big',
  '/lib/twin',
  '/ln',
];
const DIRECTORIES = ['/d', '/e', '/src', '/src/deep', '/lib', '/f', '/d/in'];

/** A call, with words for when it goes wrong. */
interface Call {
  readonly words: string;
  run(fs: FileSystem, open: Map<string, number>): unknown;
}

/** Calls that are one step each. */
export function callFrom(dice: Dice): Call {
  const [file, other] = [dice.pick(FILES), dice.pick(FILES)];
  const [directory, place] = [dice.pick(DIRECTORIES), dice.pick(DIRECTORIES)];
  const [size, seed] = [dice.below(6 * PAGE), dice.below(1000)];
  const calls: readonly Call[] = [
    { words: `write ${file} ${size}`, run: (fs) => fs.writeFileSync(file, bytesOf(seed, size)) },
    { words: `write at ${file} ${size}`, run: (fs) => writeAt(fs, file, bytesOf(seed, 100), size) },
    { words: `write at ${file} ${size}`, run: (fs) => writeAt(fs, file, bytesOf(seed, 5000), size) },
    { words: `append ${file}`, run: (fs) => fs.appendFileSync(file, bytesOf(seed, 300)) },
    { words: `truncate ${file} ${size}`, run: (fs) => fs.truncateSync(file, size) },
    { words: `unlink ${file}`, run: (fs) => fs.unlinkSync(file) },
    { words: `rename ${file} ${other}`, run: (fs) => fs.renameSync(file, other) },
    { words: `rename ${file} ${other}`, run: (fs) => fs.renameSync(file, other) },
    { words: `rename ${directory} ${place}`, run: (fs) => fs.renameSync(directory, place) },
    { words: `copy ${file} ${other}`, run: (fs) => fs.copyFileSync(file, other) },
    { words: `copy ${file} ${other}`, run: (fs) => fs.copyFileSync(file, other) },
    { words: `link ${file} ${other}`, run: (fs) => fs.linkSync(file, other) },
    { words: `symlink ${file}`, run: (fs) => fs.symlinkSync('a', file) },
    { words: `mkdir ${directory}`, run: (fs) => fs.mkdirSync(directory) },
    { words: `rmdir ${directory}`, run: (fs) => fs.rmdirSync(directory) },
    { words: `rm ${directory}`, run: (fs) => fs.rmSync(directory, { recursive: true }) },
    { words: `chmod ${file}`, run: (fs) => fs.chmodSync(file, 0o600 + dice.below(0)) },
    { words: `utimes ${file}`, run: (fs) => fs.utimesSync(file, seed, seed) },
    { words: `read ${file}`, run: (fs) => fs.readFileSync(file, 'latin1') },
    { words: `read ${file}`, run: (fs) => fs.readFileSync(file, 'latin1') },
    {
      words: `open ${file}`,
      run: (fs, open) => {
        if (!open.has(file)) open.set(file, fs.openSync(file, 'r+'));
      },
    },
    { words: `read open ${file}`, run: (fs, open) => fs.readFileSync(open.get(file) ?? file, 'latin1').length },
    {
      words: `write open ${file}`,
      run: (fs, open) => fs.writeSync(open.get(file) ?? -1, bytesOf(seed, 50), 0, 50, size),
    },
    {
      words: `close ${file}`,
      run: (fs, open) => {
        const fd = open.get(file) ?? -1;
        open.delete(file);
        fs.closeSync(fd);
      },
    },
  ];
  return dice.pick(calls);
}

/** What a call gives, or the code of its error. */
export function outcomeOf(call: Call, fs: FileSystem, open: Map<string, number>): unknown {
  try {
    const value = call.run(fs, open);
    return call.words.startsWith('read') ? value : undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}

/** Functions of an upper that may fail without harm to the harness: what is open stays open if `close` fails. */
const FALLIBLE = new Set(
  'mkdir write ftruncate rename unlink rmdir symlink link chmod lchown lutimes copyFile fsync'.split(' '),
);

type AnyFunction = (...given: unknown[]) => unknown;

/** What happens around the requests to an upper. */
interface Surroundings {
  /** Called when a request is sent, and when it is answered. */
  between(when: 'sent' | 'answered'): void;
  /** Whether a request that may fail is to fail, with nothing done. */
  isFailing(): boolean;
}

/** `node:fs` whose asynchronous answers come later, and with something done before and after each; some requests fail. */
export function lateFs({ between, isFailing }: Surroundings): object {
  const late: Record<string, unknown> = {};
  const failure = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO', errno: -5 });
  for (const [name, found] of Object.entries(nodeFs as unknown as Record<string, AnyFunction>)) {
    const isLate = typeof found === 'function' && `${name}Sync` in nodeFs;
    late[name] = !isLate
      ? found
      : (...given: unknown[]) => {
          const done = given.pop() as AnyFunction;
          between('sent');
          const answer = (...answered: unknown[]) => {
            between('answered');
            setImmediate(() => done(...answered));
          };
          if (FALLIBLE.has(name) && isFailing()) setImmediate(() => answer(failure()));
          else found(...given, answer);
        };
  }
  for (const name of FALLIBLE) {
    const found = (nodeFs as unknown as Record<string, AnyFunction>)[`${name}Sync`];
    late[`${name}Sync`] = (...given: unknown[]) => {
      if (isFailing()) throw failure();
      return found?.(...given);
    };
  }
  delete late.promises;
  return late;
}

/** So that most calls find something. */
export function furnish(fs: FileSystem): void {
  for (const directory of ['/d', '/e', '/f']) fs.mkdirSync(directory);
  for (const [i, path] of ['/a', '/b', '/c', '/d/x', '/d/y', '/e/x'].entries()) {
    fs.writeFileSync(path, bytesOf(i, i * 4000));
  }
}

/** Does what may hear of a failed write-back. */
export function deaf(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EIO') throw thrown;
  }
}

/** Of a directory whose names only came and went the upper is told the times then (W12). */
function flushDirectories(fs: FileSystem): void {
  for (const directory of DIRECTORIES) {
    if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const fd = fs.openSync(directory, 'r');
    deaf(() => fs.fsyncSync(fd));
    fs.closeSync(fd);
  }
}

/** Users who may all do everything. */
const USERS = [undefined, { uid: 0, gid: 1 }, { uid: 0, gid: 2 }] as const;
/** What they see of an overlay; made once for each. */
const views = new WeakMap<Overlay, readonly FileSystem[]>();

function viewsOf(overlay: Overlay): readonly FileSystem[] {
  const known = views.get(overlay) ?? USERS.map((user) => (user === undefined ? overlay.fs : overlay.as(user)));
  views.set(overlay, known);
  return known;
}

/** What shows of an overlay to root: what others made, who is not root may not read. */
function seenIn(overlay: Overlay): string[] {
  return survey(overlay.as({ uid: 0, gid: 0 }));
}

export interface History {
  readonly seed: number;
  /** A directory of the disk that is empty. */
  readonly directory: string;
  /** How many in a hundred requests to the upper fail. */
  readonly faults: number;
  /** Whether calls are made by several users, for whom the upper acts, and whom it refuses now and then (W13). */
  readonly users: 'one' | 'several';
}

/** Plays a history; throws where something is not as it should be. */
export async function playHistory({ seed, directory, faults, users }: History): Promise<void> {
  const dice = new Dice(seed);
  let now = 1e12;
  const clock = () => now;
  const lower = newLower();
  const model = createOverlay({ lower, clock, pageSize: PAGE });
  const said: string[] = [];
  const [openHere, openThere] = [new Map<string, number>(), new Map<string, number>()];
  let overlay: Overlay | undefined;
  let rate = 0;
  /** Whether requests may fail now. */
  let isFaulty = false;
  const step = () => {
    if (overlay === undefined) return;
    now += 1000;
    const call = callFrom(dice);
    const who = users === 'one' ? 0 : dice.below(USERS.length);
    const [there, here] = [viewsOf(model)[who] ?? model.fs, viewsOf(overlay)[who] ?? overlay.fs];
    const [expected, got] = [outcomeOf(call, there, openThere), outcomeOf(call, here, openHere)];
    said.push(`${call.words}: ${typeof expected === 'string' && expected.length > 20 ? 'bytes' : expected}`);
    // Descriptors hear of failed write-backs when they are closed (W4), also those that a call opens for itself.
    if (faults > 0 && got === 'EIO') return;
    if (expected !== got) throw new Error(`seed ${seed}: ${said.join('\n')}\ngave ${String(got).slice(0, 40)}`);
  };
  let failure: unknown;
  const between = (when: 'sent' | 'answered') => {
    try {
      // Who writes over another's bytes takes over what is under way, which cannot be done while it is being sent.
      const isFree = users === 'one' || when === 'answered';
      while (isFree && failure === undefined && dice.below(100) < rate) step();
      // Whoever calls at once takes over what is under way.
      if (when === 'answered' && failure === undefined && rate > 0 && dice.below(100) < 2) takeOver();
    } catch (thrown) {
      failure = thrown;
    }
  };
  const takeOver = () => {
    said.push('sync at once');
    try {
      overlay?.syncSync();
    } catch (thrown) {
      if (!isFaulty) throw thrown;
    }
    said.push('synced at once');
  };
  const isFailing = () => isFaulty && dice.below(100) < faults;
  const fs = lateFs({ between, isFailing });
  const as = () => lateFs({ between, isFailing: () => isFaulty && dice.below(100) < faults * 10 });
  const upper = { fs, root: directory, ...(users === 'several' && { as }) };
  const options = {
    lower,
    clock,
    cache: { maxBytes: 8 * PAGE, maxEntries: seed % 2 === 0 ? 0 : 1000 },
    writeback: { expire: Number.POSITIVE_INFINITY },
  };
  nodeFs.chmodSync(directory, 0o777);
  overlay = mount(upper, options);
  for (const { fs } of [model, overlay]) furnish(fs);
  try {
    // Of a lower's file whose other name nobody has looked at, that is another file once the upper has it (README, Limits).
    check('at first', seenIn(overlay), seenIn(model));
    for (let round = 0; round < 4; round++) {
      for (let i = dice.below(12); i >= 0; i--) step();
      rate = 30;
      said.push('sync');
      isFaulty = faults > 0;
      await overlay.sync().catch((thrown) => {
        if (!isFaulty) throw thrown;
      });
      said.push('synced');
      rate = 0;
      isFaulty = false;
      if (failure !== undefined) throw failure;
      check('after a sync', seenIn(overlay), seenIn(model));
      if (dice.below(2) === 0) continue;
      const { fs } = overlay;
      for (const fd of openHere.values()) deaf(() => fs.closeSync(fd));
      for (const fd of openThere.values()) model.fs.closeSync(fd);
      openHere.clear();
      openThere.clear();
      await overlay[Symbol.asyncDispose]();
      said.push('mounted again');
      overlay = mount(upper, options);
      check('mounted again', seenIn(overlay), seenIn(model));
    }
    flushDirectories(overlay.fs);
    await overlay.sync();
    // A directory removed whole may have held further names of a file; until somebody counts them, its bytes are kept (tree/changing/dropped.ts).
    const isCounted = !said.some((words) => words.startsWith('rm ') && words.endsWith(': undefined'));
    const left = isCounted && openHere.size === 0 ? leftovers(nodeFs as UpperFs, directory) : [];
    if (left.length > 0) throw new Error(`left in the work area: ${left.join()}`);
    forgetLock(nodeFs as UpperFs, directory);
    const next = mount(upper, options);
    check('at the end', seenIn(next), seenIn(model));
    next.close();
  } catch (thrown) {
    throw new Error(`seed ${seed}: ${said.join('\n')}`, { cause: thrown });
  }

  function check(when: string, shown: string[], wanted: string[]): void {
    const state = whichOf(shown, wanted, wanted);
    if (state !== 'after') throw new Error(`${when}: ${state}`);
  }
}
