// Random histories of uppers in memory and of uppers that are overlays: calls at every command of a write-back, at once
// or not, beside the same calls on an overlay without an upper. (For a directory whose answers are late there is
// `meanwhile.ts`.)

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { Dice } from '../../dice.ts';
import { useDirectories } from '../directories.ts';
import { callFrom, furnish, outcomeOf } from '../meanwhile.ts';
import { mount, newLower, PAGE, survey } from '../rig.ts';

const FIRST = Number(process.env.OVERFS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env.OVERFS_RUNS ?? 8);

const newDirectory = useDirectories();

type Kind = 'a volume' | 'an overlay' | 'an overlay with a lower of its own';

/** What is mounted, and how it is mounted again. */
class Site {
  readonly #kind: Kind;
  readonly #options: object;
  readonly #volume = new Volume();
  readonly #directory = newDirectory();
  /** The overlay that is the upper, if one is. */
  #inner: Overlay | undefined;
  overlay: Overlay;

  constructor(kind: Kind, options: object) {
    this.#kind = kind;
    this.#options = options;
    // As the mode of the root is in an overlay without an upper.
    nodeFs.chmodSync(this.#directory, 0o777);
    this.overlay = this.#mount();
    this.overlay.fs.chmodSync('/', 0o777);
  }

  #mount(): Overlay {
    if (this.#kind === 'a volume') return mount(this.#volume, this.#options);
    this.#inner ??= createOverlay({
      lower: this.#kind === 'an overlay' ? [] : { fs: new Volume() },
      upper: this.#directory,
      pageSize: PAGE,
      cache: { maxBytes: 4 * PAGE, maxEntries: 3 },
    });
    return mount(this.#inner.fs, this.#options);
  }

  /** Mounts the upper again, or it and what it lies on. */
  mountAgain(isAll: boolean): void {
    this.overlay.close();
    if (isAll) this.closeInner();
    this.overlay = this.#mount();
  }

  closeInner(): void {
    this.#inner?.close();
    this.#inner = undefined;
  }
}

async function play(seed: number, kind: Kind): Promise<void> {
  const dice = new Dice(seed);
  let now = 1e12;
  const clock = () => now;
  const lower = newLower();
  const model = createOverlay({ lower, clock, pageSize: PAGE });
  model.fs.chmodSync('/', 0o777);
  const cache = { maxBytes: 8 * PAGE, maxEntries: dice.pick([0, 1000]) };
  const site = new Site(kind, { lower, clock, cache });
  const [openHere, openThere] = [new Map<string, number>(), new Map<string, number>()];
  const step = () => {
    now += 1000;
    const call = callFrom(dice);
    expect(outcomeOf(call, site.overlay.fs, openHere), call.words).toEqual(outcomeOf(call, model.fs, openThere));
  };
  const expectAlike = () => expect(survey(site.overlay.fs)).toEqual(survey(model.fs));
  let state: 'quiet' | 'syncing' | 'calling' = 'quiet';
  let failure: unknown;
  const hear = () =>
    site.overlay.on('command', () => {
      if (state !== 'syncing' || failure !== undefined) return;
      state = 'calling';
      try {
        while (dice.below(4) === 0) step();
      } catch (thrown) {
        failure = thrown;
      }
      state = 'syncing';
    });
  hear();
  for (const { fs } of [model, site.overlay]) furnish(fs);
  // Of a lower's file whose other name nobody has looked at, that is another file once the upper has it (README, Limits).
  expectAlike();
  for (let round = 0; round < 5; round++) {
    for (let i = dice.below(12); i >= 0; i--) step();
    state = 'syncing';
    if (dice.below(2) === 0) await site.overlay.sync();
    else site.overlay.syncSync();
    state = 'quiet';
    if (failure !== undefined) throw failure;
    expectAlike();
    if (dice.below(2) === 0) continue;
    for (const fd of openHere.values()) site.overlay.fs.closeSync(fd);
    for (const fd of openThere.values()) model.fs.closeSync(fd);
    openHere.clear();
    openThere.clear();
    site.mountAgain(dice.below(2) === 0);
    hear();
    expectAlike();
  }
  site.overlay.close();
  site.closeInner();
}

it.each<Kind>(['a volume', 'an overlay', 'an overlay with a lower of its own'])(
  'P8, W9, W10: calls at the commands of a write-back to %s are neither lost nor mixed',
  async (kind) => {
    for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
      try {
        await play(seed, kind);
      } catch (thrown) {
        throw new Error(`OVERFS_SEED=${seed} OVERFS_RUNS=1`, { cause: thrown });
      }
    }
  },
);
