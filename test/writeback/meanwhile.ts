/**
 * Random histories of write-back while somebody writes: an overlay over a directory whose answers are late, and calls between any two of
 * them. What must come out is told by an overlay without an upper, on which the same calls are made. A seed repeats a history.
 */

import nodeFs from 'node:fs';
import { createOverlay, type Overlay } from '../../lib/index.ts';
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

class Dice {
  /** Moved on by each throw (mulberry32). */
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * count);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

function writeAt(fs: FileSystem, path: string, bytes: Uint8Array, at: number): void {
  const fd = fs.openSync(path, 'r+');
  try {
    fs.writeSync(fd, bytes, 0, bytes.length, at);
  } finally {
    fs.closeSync(fd);
  }
}

/** Calls that are one step each. */
function callFrom(dice: Dice): Call {
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
        fs.closeSync(open.get(file) ?? -1);
        open.delete(file);
      },
    },
  ];
  return dice.pick(calls);
}

/** What a call gives, or the code of its error. */
function outcomeOf(call: Call, fs: FileSystem, open: Map<string, number>): unknown {
  try {
    const value = call.run(fs, open);
    return call.words.startsWith('read') ? value : undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}

/** `node:fs` whose asynchronous answers come later, and with something done before and after each. */
function lateFs(between: () => void): object {
  const late: Record<string, unknown> = {};
  for (const [name, found] of Object.entries(nodeFs)) {
    const isLate =
      typeof found === 'function' && typeof (nodeFs as Record<string, unknown>)[`${name}Sync`] === 'function';
    late[name] = !isLate
      ? found
      : (...given: unknown[]) => {
          const done = given.pop() as (...answer: unknown[]) => void;
          between();
          (found as (...all: unknown[]) => void)(...given, (...answer: unknown[]) => {
            between();
            setImmediate(() => done(...answer));
          });
        };
  }
  delete late.promises;
  return late;
}

/** So that most calls find something. */
function furnish(fs: FileSystem): void {
  for (const directory of ['/d', '/e', '/f']) fs.mkdirSync(directory);
  for (const [i, path] of ['/a', '/b', '/c', '/d/x', '/d/y', '/e/x'].entries()) {
    fs.writeFileSync(path, bytesOf(i, i * 4000));
  }
}

/** Of a directory whose names only came and went the upper is told the times then (W12). */
function flushDirectories(fs: FileSystem): void {
  for (const directory of DIRECTORIES) {
    if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const fd = fs.openSync(directory, 'r');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  }
}

export interface History {
  readonly seed: number;
  /** A directory of the disk that is empty. */
  readonly directory: string;
}

/** Plays a history; throws where something is not as it should be. */
export async function playHistory({ seed, directory }: History): Promise<void> {
  const dice = new Dice(seed);
  let now = 1e12;
  const clock = () => now;
  const lower = newLower();
  const model = createOverlay({ lower, clock, pageSize: PAGE });
  const said: string[] = [];
  const [openHere, openThere] = [new Map<string, number>(), new Map<string, number>()];
  let overlay: Overlay | undefined;
  let rate = 0;
  const step = () => {
    if (overlay === undefined) return;
    now += 1000;
    const call = callFrom(dice);
    const [expected, got] = [outcomeOf(call, model.fs, openThere), outcomeOf(call, overlay.fs, openHere)];
    said.push(`${call.words}: ${typeof expected === 'string' && expected.length > 20 ? 'bytes' : expected}`);
    if (expected !== got) throw new Error(`seed ${seed}: ${said.join('\n')}\ngave ${String(got).slice(0, 40)}`);
  };
  let failure: unknown;
  const between = () => {
    try {
      while (failure === undefined && dice.below(100) < rate) step();
    } catch (thrown) {
      failure = thrown;
    }
  };
  const upper = { fs: lateFs(between), root: directory };
  const options = { lower, clock, cache: { maxBytes: 8 * PAGE }, writeback: { expire: Number.POSITIVE_INFINITY } };
  nodeFs.chmodSync(directory, 0o777);
  overlay = mount(upper, options);
  for (const { fs } of [model, overlay]) furnish(fs);
  try {
    for (let round = 0; round < 4; round++) {
      for (let i = dice.below(12); i >= 0; i--) step();
      rate = 30;
      said.push('sync');
      await overlay.sync();
      said.push('synced');
      rate = 0;
      if (failure !== undefined) throw failure;
      check('after a sync', survey(overlay.fs), survey(model.fs));
      if (dice.below(2) === 0) continue;
      for (const fd of openHere.values()) overlay.fs.closeSync(fd);
      for (const fd of openThere.values()) model.fs.closeSync(fd);
      openHere.clear();
      openThere.clear();
      await overlay[Symbol.asyncDispose]();
      said.push('mounted again');
      overlay = mount(upper, options);
      check('mounted again', survey(overlay.fs), survey(model.fs));
    }
    flushDirectories(overlay.fs);
    await overlay.sync();
    // A directory removed whole may have held further names of a file; until somebody counts them, its bytes are kept (tree/dropped.ts).
    const isCounted = !said.some((words) => words.startsWith('rm ') && words.endsWith(': undefined'));
    const left = isCounted && openHere.size === 0 ? leftovers(nodeFs as UpperFs, directory) : [];
    if (left.length > 0) throw new Error(`left in the work area: ${left.join()}`);
    forgetLock(nodeFs as UpperFs, directory);
    const next = mount(upper, options);
    check('at the end', survey(next.fs), survey(model.fs));
    next.close();
  } catch (thrown) {
    throw new Error(`seed ${seed}: ${said.join('\n')}`, { cause: thrown });
  }

  function check(when: string, shown: string[], wanted: string[]): void {
    const state = whichOf(shown, wanted, wanted);
    if (state !== 'after') throw new Error(`${when}: ${state}`);
  }
}
