// P8, C1, C6, C7: three overlays, one over the other, all written and read at random, in all forms, with caches of any
// size, beside a model that copies everything. A file shows what the model has; one that was changed above and then
// again below may say ESTALE (C7), but never shows a mixture. Now and then the highest overlay is let go and a new one
// takes its place.

import fc from 'fast-check';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { type Face, FORMS, faceOf } from '../grounds/face.ts';

const PAGE = 4096;
const LEVELS = 3;
const NAMES = ['/a', '/b'];

/** Each letter of a file tells who wrote it and when, so that a mixture shows. */
function letters(length: number, stamp: number): Buffer {
  return Buffer.alloc(length, `${stamp.toString(36)} `);
}

/** A file of one level as the model has it: of its own, or (undefined) that of the level below. `bytes` undefined: removed. */
interface Own {
  readonly bytes: Buffer | undefined;
  /** How many changes there were at all levels below when it became its own. */
  readonly since: number;
}

type Step =
  | { kind: 'write'; level: number; name: number; form: number; at: number; length: number }
  | { kind: 'truncate'; level: number; name: number; form: number; size: number }
  | { kind: 'copy' | 'remove' | 'read'; level: number; name: number; form: number }
  | { kind: 'piece'; level: number; name: number; form: number; at: number; length: number }
  | { kind: 'race'; level: number; name: number; at: number; length: number }
  | { kind: 'renew' };

const level = fc.nat(LEVELS - 1);
const name = fc.nat(NAMES.length - 1);
const form = fc.nat(FORMS.length - 1);
const at = fc.oneof(
  fc.nat(30_000),
  fc.nat(8).map((page) => page * PAGE),
);
const length = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 10_000 }), fc.constant(PAGE));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), level, name, form, at, length }),
  fc.record({ kind: fc.constant('truncate' as const), level, name, form, size: fc.nat(40_000) }),
  fc.record({ kind: fc.constantFrom('copy' as const, 'remove' as const), level, name, form }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), level, name, form }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('piece' as const), level, name, form, at, length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('race' as const), level, name, at, length }) },
  fc.record({ kind: fc.constant('renew' as const) }),
);

/** The overlays and their model. */
class World {
  readonly #overlays: Overlay[] = [];
  readonly #caches: readonly number[];
  readonly #base: Buffer;
  readonly #owns: Map<number, Own>[] = [];
  /** How many changes there were at each level. */
  readonly #changes: number[] = [];
  #stamp = 1;
  /** Each change has a time of its own. */
  #now = 1_000_000_000_000;

  constructor(size: number, caches: readonly number[]) {
    this.#caches = caches;
    this.#base = letters(size, 0);
    const lower = Volume.fromJSON({});
    for (const each of NAMES) {
      lower.writeFileSync(each, this.#base);
      lower.utimesSync(each, 1, 1);
    }
    for (let i = 0; i < LEVELS; i++) this.#mount(i, i === 0 ? lower : undefined);
  }

  #mount(at: number, lower: object | undefined): void {
    this.#overlays[at] = createOverlay({
      lower: lower ?? this.#at(at - 1),
      pageSize: PAGE,
      cache: { maxBytes: this.#caches[at] ?? 0 },
      clock: () => ++this.#now,
    });
    this.#owns[at] = new Map();
    this.#changes[at] = 0;
  }

  #at(at: number): Overlay {
    const overlay = this.#overlays[at];
    if (overlay === undefined) throw new Error(`there is no level ${at}`);
    return overlay;
  }

  #face(at: number, index: number): Face {
    return faceOf(this.#at(at).fs, FORMS[index] ?? 'sync', '/');
  }

  #shown(at: number, file: number): Buffer | undefined {
    if (at < 0) return this.#base;
    const own = this.#owns[at]?.get(file);
    return own === undefined ? this.#shown(at - 1, file) : own.bytes;
  }

  #changesBelow(at: number): number {
    return this.#changes.slice(0, at).reduce((sum, each) => sum + each, 0);
  }

  /** Whether what the file still has with a level below may have changed there since it became its own. */
  #isStale(at: number, file: number): boolean {
    if (at <= 0) return false;
    const own = this.#owns[at]?.get(file);
    if (own === undefined) return this.#isStale(at - 1, file);
    return own.since !== this.#changesBelow(at) || [...Array(at).keys()].some((below) => this.#isStale(below, file));
  }

  /** Notes what a level has of its own from now on. What it had before stays as old as it was. */
  #own(at: number, file: number, bytes: Buffer | undefined, of = file): void {
    const since = this.#owns[at]?.get(of)?.since ?? (this.#isStale(at, of) ? -1 : this.#changesBelow(at));
    this.#owns[at]?.set(file, { bytes, since });
    this.#changes[at] = (this.#changes[at] ?? 0) + 1;
  }

  /** Does something; answers whether it was done. Where the file is stale it may be refused, else where there is none. */
  async #tries(at: number, file: number, act: () => Promise<unknown>): Promise<boolean> {
    const isThere = this.#shown(at, file) !== undefined;
    const isStale = this.#isStale(at, file);
    try {
      await act();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ESTALE' && isStale) return false;
      if (code === 'ENOENT' && !isThere) return false;
      throw error;
    }
    expect(isThere).toBe(true);
    return true;
  }

  async take(one: Step): Promise<void> {
    if (one.kind === 'renew') {
      this.#mount(LEVELS - 1, undefined);
      return;
    }
    const path = NAMES[one.name] ?? '/';
    const file = one.name;
    const shown = this.#shown(one.level, file) ?? Buffer.alloc(0);
    if (one.kind === 'race') return this.#race(one.level, file, one.at, one.length);
    const face = this.#face(one.level, one.form);
    if (one.kind === 'write') {
      const source = letters(one.length, this.#stamp++);
      const write = async () => {
        const handle = await face.open(path, 'r+');
        try {
          await handle.write(source, one.at);
        } finally {
          await handle.close();
        }
      };
      if (await this.#tries(one.level, file, write)) this.#own(one.level, file, written(shown, source, one.at));
    } else if (one.kind === 'truncate') {
      if (await this.#tries(one.level, file, () => face.truncate(path, one.size)))
        this.#own(one.level, file, written(shown.subarray(0, one.size), Buffer.alloc(0), one.size));
    } else if (one.kind === 'copy') {
      const other = (file + 1) % NAMES.length;
      if (await this.#tries(one.level, file, () => face.copyFile(path, NAMES[other] ?? '/'))) {
        this.#owns[one.level]?.delete(other);
        this.#own(one.level, other, Buffer.from(shown), file);
      }
    } else if (one.kind === 'remove') {
      if (await this.#tries(one.level, file, () => face.unlink(path))) {
        this.#own(one.level, file, undefined);
        // A new one takes its place, half of the time at once.
        if (one.form === 0) return;
        await face.writeFile(path, letters(PAGE * 2, this.#stamp));
        this.#owns[one.level]?.delete(file);
        this.#own(one.level, file, letters(PAGE * 2, this.#stamp++));
      }
    } else if (one.kind === 'piece') {
      await this.#tries(one.level, file, async () => {
        const handle = await face.open(path, 'r');
        try {
          const target = Buffer.alloc(one.length);
          const read = await handle.read(target, 0, one.length, one.at);
          expectSame([target.subarray(0, read)], [shown.subarray(one.at, one.at + one.length)]);
        } finally {
          await handle.close();
        }
      });
    } else {
      await this.#tries(one.level, file, async () => expectSame([await face.readFile(path)], [shown]));
    }
  }

  /** Reads at the top without waiting, while a level below is written at once: the file is seen before or after. */
  async #race(below: number, file: number, at: number, length: number): Promise<void> {
    const path = NAMES[file] ?? '/';
    const top = LEVELS - 1;
    const before = this.#shown(top, file);
    const wasStale = this.#isStale(top, file);
    const reading = this.#at(top)
      .fs.promises.readFile(path)
      .then(
        (bytes) => bytes,
        (error: NodeJS.ErrnoException) => error.code,
      );
    if (below < top) await Promise.resolve();
    const source = letters(length, this.#stamp++);
    const shown = this.#shown(below, file) ?? Buffer.alloc(0);
    const { fs } = this.#at(below);
    const write = async () => {
      const fd = fs.openSync(path, 'r+');
      try {
        fs.writeSync(fd, source, 0, length, at);
      } finally {
        fs.closeSync(fd);
      }
    };
    if (await this.#tries(below, file, write)) this.#own(below, file, written(shown, source, at));
    const found = await reading;
    if (found === 'ESTALE') expect(wasStale || this.#isStale(top, file)).toBe(true);
    else if (typeof found === 'string') expect([found, before]).toEqual(['ENOENT', undefined]);
    else if (found !== undefined) expectSame([found], [before, this.#shown(top, file)]);
  }

  async audit(): Promise<void> {
    for (let at = LEVELS - 1; at >= 0; at--) {
      for (const file of NAMES.keys()) await this.take({ kind: 'read', level: at, name: file, form: at });
    }
  }
}

/** What comes of writing. */
function written(bytes: Buffer, source: Buffer, at: number): Buffer {
  const result = Buffer.alloc(Math.max(bytes.length, at + source.length));
  bytes.copy(result);
  source.copy(result, at);
  return result;
}

/** One of the second list must be the one of the first. */
function expectSame([found]: readonly Buffer[], wanted: readonly (Buffer | undefined)[]): void {
  if (found !== undefined && wanted.some((each) => each?.equals(found))) return;
  expect(found?.toString('latin1')).toBe(wanted[0]?.toString('latin1'));
}

const RUNS = Number(process.env.OVERFS_RUNS ?? 60);
const CACHES = [0, 3 * PAGE, 40 * PAGE, Number.POSITIVE_INFINITY];

it('P8 C7 stacked overlays that are all written show what the model has', async () => {
  const caches = fc.tuple(...Array.from({ length: LEVELS }, () => fc.constantFrom(...CACHES)));
  await fc.assert(
    fc.asyncProperty(fc.nat(40_000), caches, fc.array(step, { maxLength: 40 }), async (size, sizes, steps) => {
      const world = new World(size, sizes);
      for (const one of steps) await world.take(one);
      await world.audit();
    }),
    { numRuns: RUNS },
  );
});
