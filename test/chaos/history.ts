/**
 * Histories: a few calls that overlap, and whether what came of them could have come of the same calls one after the other.
 *
 * The lower's answers are held back; a schedule says which is let go next, so a run can be repeated, and for short histories every
 * schedule can be tried.
 */

import { createOverlay, type Overlay, type OverlayOptions } from '../../lib/index.ts';
import { branchError, type Speech, WatchedLower } from '../faults/lower.ts';
import type { FileSystem } from '../grounds/face.ts';
import { survey } from './survey.ts';

/** One call of a history. */
export interface Step {
  readonly name: string;
  readonly run: (fs: FileSystem) => unknown;
}

/** What is given before a history begins. */
export interface Given {
  /** The files of the lower. */
  readonly files: Readonly<Record<string, string>>;
  /** What else is in the lower. */
  readonly furnish?: (volume: WatchedLower['volume']) => void;
  /** The names in the lower that are one file. */
  readonly twins?: readonly string[];
  /** What was done in the overlay before. */
  readonly before?: (fs: FileSystem) => void;
  readonly options?: Partial<OverlayOptions>;
  readonly immutable?: boolean;
  readonly speech?: Speech;
}

/** What came of a history: the result of each call, and the tree. */
export interface Outcome {
  readonly results: readonly string[];
  readonly tree: string;
}

/** The time in all histories. */
const NOON = Date.UTC(2020, 5, 1, 12);

export interface World {
  readonly lower: WatchedLower;
  readonly overlay: Overlay;
}

export function makeWorld({ files, furnish, before, options, immutable = false, speech = 'both' }: Given): World {
  const lower = new WatchedLower(speech);
  lower.volume.fromJSON(files);
  furnish?.(lower.volume);
  for (const path of lowerPaths(lower, '/')) lower.volume.lutimesSync(path, 1_500_000_000, 1_500_000_000);
  const overlay = createOverlay({
    lower: { fs: lower.fs, immutable },
    pageSize: 4096,
    clock: () => NOON,
    limits: { bytes: 1_000_000, inodes: 1000 },
    umask: 0o022,
    // In an overlay everybody can be root; whoever runs the tests owns the lower.
    credentials: { uid: 0, gid: 0 },
    ...options,
  });
  before?.(overlay.fs);
  return { lower, overlay };
}

function lowerPaths({ volume }: WatchedLower, path: string): string[] {
  if (!volume.lstatSync(path).isDirectory()) return [path];
  const names = volume.readdirSync(path) as string[];
  return [
    path,
    ...names.flatMap((name) => lowerPaths({ volume } as WatchedLower, path === '/' ? `/${name}` : `${path}/${name}`)),
  ];
}

/** The result of a call as text. */
async function resultOf(step: Step, fs: FileSystem): Promise<string> {
  try {
    return `${step.name}: ${plain(await step.run(fs))}`;
  } catch (error) {
    return `${step.name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function plain(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'mtimeMs' in value) {
    const { mode, size, nlink, mtimeMs } = value as unknown as Record<string, number>;
    return `${mode?.toString(8)} ${(mode ?? 0) & 0o40000 ? '' : `${size} ${nlink}`} ${mtimeMs}`;
  }
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
}

/** Plays the calls one after the other, in the order of these indices; results are told in the order of `steps`. */
export async function playInOrder(given: Given, steps: readonly Step[], order: readonly number[]): Promise<Outcome> {
  const { overlay } = makeWorld(given);
  const results: string[] = steps.map(() => '');
  for (const index of order) {
    const step = steps[index];
    if (step !== undefined) results[index] = await resultOf(step, overlay.fs);
  }
  const tree = survey(overlay, given.twins);
  overlay.close();
  return { results, tree };
}

/** Every order of the numbers below `count`. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, at) => [...shorter.slice(0, at), count - 1, ...shorter.slice(at)]),
  );
}

/** Says which of several held answers is let go next, and whether it fails. */
export interface Schedule {
  choose(count: number): number;
  fails?(): boolean;
  /** Called before each choice: what happens in the middle. */
  interrupt?(fs: FileSystem): void;
}

/** Waits until nothing goes on any more but what waits for the lower. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Plays the calls at once over a lower whose answers come as the schedule says. */
export async function playAtOnce(given: Given, steps: readonly Step[], schedule: Schedule): Promise<Outcome> {
  const { lower, overlay } = makeWorld(given);
  const picture = lower.picture();
  const held: (() => void)[] = [];
  lower.behave = (_request, answer) =>
    new Promise<void>((resolve, reject) => {
      held.push(() => (schedule.fails?.() ? reject(branchError('EIO')) : resolve()));
    }).then(answer);
  const running = steps.map((step) => resultOf(step, overlay.fs));
  let isDone = false;
  const all = Promise.all(running).finally(() => {
    isDone = true;
  });
  for (await quiet(); !isDone; await quiet()) {
    if (held.length === 0) continue;
    if (schedule.interrupt !== undefined) atOnce(lower, () => schedule.interrupt?.(overlay.fs));
    held.splice(schedule.choose(held.length), 1)[0]?.();
  }
  lower.behave = (_request, answer) => answer();
  const results = await all;
  for (const letGo of held) letGo();
  const tree = survey(overlay, given.twins);
  overlay.close();
  await quiet();
  if (lower.picture() !== picture) throw new Error('the lower was changed');
  if (lower.open.size > 0) throw new Error(`left open: ${[...lower.open.values()].join()}`);
  return { results, tree };
}

/** Lets the lower answer without delay meanwhile. */
function atOnce(lower: WatchedLower, run: () => void): void {
  const { behave } = lower;
  lower.behave = (_request, answer) => answer();
  run();
  lower.behave = behave;
}

/** Every schedule of a history, one after the other: the choices are those of a counter with as many digits as there are choices. */
export async function everySchedule(
  play: (schedule: Schedule) => Promise<void>,
  most = 2000,
): Promise<{ readonly tried: number; readonly isAll: boolean }> {
  let prefix: number[] = [];
  for (let tried = 1; ; tried++) {
    const choices: number[] = [];
    const counts: number[] = [];
    await play({
      choose: (count) => {
        const choice = prefix[choices.length] ?? 0;
        choices.push(choice);
        counts.push(count);
        return choice;
      },
    });
    let last = choices.length - 1;
    while (last >= 0 && (choices[last] as number) + 1 >= (counts[last] as number)) last--;
    if (last < 0) return { tried, isAll: true };
    if (tried >= most) return { tried, isAll: false };
    prefix = [...choices.slice(0, last), (choices[last] as number) + 1];
  }
}

/**
 * Finds an order of the calls that comes to the same; undefined where there is none. Calls that failed for the lower's sake
 * (EIO) have done nothing, so they take part in none.
 */
export async function serialOrderOf(
  given: Given,
  steps: readonly Step[],
  { results, tree }: Outcome,
): Promise<readonly number[] | undefined> {
  const succeeded = steps.flatMap((_, index) => (results[index]?.includes('EIO: i/o error') ? [] : [index]));
  for (const order of orders(succeeded.length)) {
    const wanted = order.map((at) => succeeded[at] as number);
    const serial = await playInOrder(given, steps, wanted);
    if (serial.tree === tree && wanted.every((index) => serial.results[index] === results[index])) return wanted;
  }
  return undefined;
}
