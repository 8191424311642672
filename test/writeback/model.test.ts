/**
 * Write-back against a model of files, of who must hear of errors and of what the upper may hold, while the upper fails, comes short and
 * says "not now" at random. A failure tells its seed; OVERFS_SEED repeats it, OVERFS_RUNS says how many are run.
 *
 *     W2, W5  what was written can be read, whatever the upper has done; once it works again it gets all of it
 *     W4      who had a file open when it could not be written hears so once, at fsync; one later opener does if nobody heard
 *     W5      after an fsync that returned 0 a crash takes nothing of the file away
 *     W11     after a crash each file is as it was at some sync since then, and nothing that was synced is lost
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Overlay } from '../../lib/index.ts';
import { bytesOf, type FileSystem, forgetLock, leftovers, mount, PAGE, type UpperFs } from './rig.ts';
import { Moody, mood } from './uppers/moody.ts';

const NAMES = ['/big', '/src/f2', '/own', '/new'] as const;
type Name = (typeof NAMES)[number];

/** What a file holds: its bytes, or that there is none. */
type Content = Buffer | undefined;

const name = fc.constantFrom(...NAMES);
const slot = fc.nat(2);

/** A call, or something that happens. */
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write'),
      slot,
      at: fc.nat(12 * PAGE),
      length: fc.integer({ min: 1, max: 3 * PAGE }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open'), slot, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close'), slot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('truncate'), slot, size: fc.nat(14 * PAGE) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('writeFile'), name, length: fc.nat(5 * PAGE) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename'), name, to: name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unlink'), name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fsync'), slot }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remount') }) },
);
type Step = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** A file of the model. */
class FileModel {
  bytes: Buffer;
  /** How often it could not be written, and whether somebody has heard of the last time (`errors.ts`). */
  failures = 0;
  isHeard = true;
  /** It may have failed once more: it has no name, and a file without a name has failed; or one that was told of an older failure asked. */
  isUnsure = false;
  /** What it held when it was last synced, and whenever that was tried since. */
  versions: Content[];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.versions = [copyOf(bytes)];
  }

  fail(): void {
    this.failures++;
    this.isHeard = false;
  }
}

/** A descriptor of the model. */
interface OpenModel {
  readonly fd: number;
  readonly file: FileModel;
  /** The count of failures that it has heard of. */
  heard: number;
}

/** The overlay and its model, side by side. */
class World {
  readonly #moody = new Moody();
  #overlay: Overlay;
  readonly #files = new Map<Name, FileModel>();
  readonly #open: (OpenModel | undefined)[] = [];
  /** What a crash may leave of each name. */
  readonly #possible = new Map<Name, Content[]>();

  constructor() {
    this.#overlay = this.#mount();
    for (const each of NAMES) {
      const found = this.#read(each);
      if (found !== undefined) this.#files.set(each, new FileModel(found));
      this.#possible.set(each, [found]);
    }
  }

  get #fs(): FileSystem {
    return this.#overlay.fs;
  }

  #mount(): Overlay {
    this.#moody.be([]);
    const overlay = mount(this.#moody.fs, { writeback: { expire: Number.POSITIVE_INFINITY } });
    overlay.on('command', ({ kind }) => this.#moody.hear(kind));
    overlay.on('writeback-error', ({ path }) => {
      this.#files.get(path as Name)?.fail();
      if (path === '(a file without a name)') for (const { file } of this.#nameless()) file.isUnsure = true;
    });
    return overlay;
  }

  /** Descriptors of files that have no name any more. */
  #nameless(): OpenModel[] {
    const named = new Set(this.#files.values());
    return this.#open.filter((open) => open !== undefined && !named.has(open.file)) as OpenModel[];
  }

  #read(each: Name): Content {
    return this.#fs.existsSync(each) ? (this.#fs.readFileSync(each) as Buffer) : undefined;
  }

  /** What is there now is what a crash may leave, beside what it might have left before. */
  #allowNow(): void {
    for (const each of NAMES) {
      const file = this.#files.get(each);
      // A name may arrive while the content does not: the file then has one that it had before.
      file?.versions.push(copyOf(file.bytes));
      this.#possible.get(each)?.push(...(file === undefined ? [undefined] : file.versions));
    }
  }

  /** What is there now under these names is all that a crash may leave. */
  #settle(names: readonly Name[]): void {
    for (const each of names) {
      const file = this.#files.get(each);
      if (file !== undefined) file.versions = [copyOf(file.bytes)];
      this.#possible.set(each, [copyOf(file?.bytes)]);
    }
  }

  play(step: Step, moods: readonly string[]): void {
    this.#moody.be(moods);
    this.#take(step);
    this.#moody.be([]);
    this.check();
  }

  #take(step: Step): void {
    const at = 'slot' in step ? this.#open[step.slot] : undefined;
    if (step.do === 'open' && 'name' in step && 'slot' in step) this.#openAt(step.slot, step.name as Name);
    else if (step.do === 'writeFile' && 'length' in step && 'name' in step)
      this.#writeFile(step.name as Name, step.length);
    else if (step.do === 'rename' && 'to' in step) this.#rename(step.name as Name, step.to as Name);
    else if (step.do === 'unlink' && 'name' in step) this.#unlink(step.name as Name);
    else if (step.do === 'sync') this.#sync();
    else if (step.do === 'crash') this.#crash();
    else if (step.do === 'remount') this.#remount();
    else if (at !== undefined) this.#use(at, step);
  }

  #openAt(index: number, each: Name): void {
    if (this.#open[index] !== undefined || !this.#files.has(each)) return;
    const file = this.#files.get(each) as FileModel;
    const heard = file.isHeard ? file.failures : 0;
    this.#open[index] = { fd: this.#fs.openSync(each, 'r+'), file, heard };
  }

  #use(open: OpenModel, step: Step): void {
    const { fd, file } = open;
    if (step.do === 'write' && 'length' in step && 'at' in step) {
      const bytes = bytesOf(step.at, step.length);
      this.#fs.writeSync(fd, bytes, 0, bytes.length, step.at);
      const grown = Buffer.alloc(Math.max(file.bytes.length, step.at + bytes.length));
      file.bytes.copy(grown);
      bytes.copy(grown, step.at);
      file.bytes = grown;
    } else if (step.do === 'truncate' && 'size' in step) {
      this.#fs.ftruncateSync(fd, step.size);
      const cut = Buffer.alloc(step.size);
      file.bytes.copy(cut);
      file.bytes = cut;
    } else if (step.do === 'fsync') this.#fsync(open);
    else if (step.do === 'close') this.#close(open);
  }

  #close(open: OpenModel): void {
    this.#open[this.#open.indexOf(open)] = undefined;
    this.#hears(open, () => this.#fs.closeSync(open.fd), 'never written');
  }

  #fsync(open: OpenModel): void {
    this.#allowNow();
    if (!this.#hears(open, () => this.#fs.fsyncSync(open.fd), 'written')) return;
    this.#settle(NAMES.filter((each) => this.#files.get(each) === open.file));
  }

  /** Whether a call of a descriptor succeeded, which it must unless there is a failure that the descriptor has not heard of (W4). */
  #hears(open: OpenModel, call: () => void, what: 'written' | 'never written'): boolean {
    const before = this.#moody.failures;
    const { file } = open;
    const { failures } = file;
    const code = codeThrownBy(call);
    // Who hears of an old failure may have met another one, of the whole batch, that counts too.
    const mayHaveFailed = this.#moody.failures > before && file.failures === failures && what === 'written';
    if (code !== undefined && open.heard !== failures && mayHaveFailed) file.isUnsure = true;
    if (file.isUnsure) return code === undefined;
    // A failure of the whole batch is told to who asked, also where it is not the file's.
    if (code !== undefined && open.heard === file.failures && what === 'written') {
      expect(this.#moody.failures, 'an error without a reason').toBeGreaterThan(before);
      file.fail();
    }
    expect(code !== undefined, `${code}: heard of ${open.heard} of ${file.failures} failures`).toBe(
      open.heard !== file.failures,
    );
    if (code !== undefined) file.isHeard = true;
    open.heard = file.failures;
    return code === undefined;
  }

  #writeFile(each: Name, length: number): void {
    const bytes = bytesOf(length, length);
    this.#fs.writeFileSync(each, bytes);
    const file = this.#files.get(each);
    if (file === undefined) this.#files.set(each, new FileModel(bytes));
    else file.bytes = bytes;
  }

  #rename(from: Name, to: Name): void {
    const file = this.#files.get(from);
    if (file === undefined || from === to) return;
    this.#fs.renameSync(from, to);
    this.#files.set(to, file);
    this.#files.delete(from);
  }

  #unlink(each: Name): void {
    if (!this.#files.delete(each)) return;
    this.#fs.unlinkSync(each);
  }

  #sync(): void {
    this.#allowNow();
    const before = this.#moody.failures;
    if (codeThrownBy(() => this.#overlay.syncSync()) === undefined) this.#settle(NAMES);
    else expect(this.#moody.failures, 'an error without a reason').toBeGreaterThan(before);
  }

  /** The process dies; another one mounts the upper. */
  #crash(): void {
    const fs = this.#moody.volume as unknown as UpperFs;
    forgetLock(fs);
    this.#open.fill(undefined);
    this.#overlay = this.#mount();
    expect(leftovers(fs)).toEqual([]);
    for (const each of NAMES) {
      const found = this.#read(each);
      const possible = this.#possible.get(each) ?? [];
      expect(
        possible.some((one) => isSame(one, found)),
        `${each} after a crash: ${told(found)}, not ${possible.map(told).join(' or ')}`,
      ).toBe(true);
      this.#adopt(each, found);
    }
    this.#settle(NAMES);
  }

  #adopt(each: Name, found: Content): void {
    if (found === undefined) this.#files.delete(each);
    else this.#files.set(each, new FileModel(found));
  }

  /** The overlay is closed in peace, and the next one shows the same. */
  #remount(): void {
    this.#moody.be([]);
    for (const open of this.#open) if (open !== undefined) this.#close(open);
    this.#overlay.close();
    this.#overlay = this.#mount();
    for (const [each, { bytes }] of [...this.#files]) this.#files.set(each, new FileModel(bytes));
    this.#settle(NAMES);
  }

  /** What the overlay shows is the model, whatever the upper has done (W2). */
  check(): void {
    for (const each of NAMES) {
      const [found, wanted] = [this.#read(each), this.#files.get(each)?.bytes];
      expect(isSame(found, wanted), `${each}: ${told(found)}, not ${told(wanted)}`).toBe(true);
    }
    for (const open of this.#open) {
      if (open === undefined) continue;
      const { size } = this.#fs.fstatSync(open.fd);
      const found = Buffer.alloc(size);
      this.#fs.readSync(open.fd, found, 0, size, 0);
      expect(isSame(found, open.file.bytes), `open: ${told(found)}, not ${told(open.file.bytes)}`).toBe(true);
    }
  }

  /** Once the upper works again it gets everything (W2, W5). */
  end(): void {
    this.#remount();
    this.check();
    this.#overlay.close();
  }
}

function copyOf(content: Content): Content {
  return content && Buffer.from(content);
}

function isSame(one: Content, other: Content): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

function told(content: Content): string {
  return content === undefined
    ? 'nothing'
    : `${content.length} bytes beginning with ${content.subarray(0, 4).toString('hex')}`;
}

function codeThrownBy(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AggregateError) return 'several';
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === undefined) throw thrown;
    return code;
  }
}

const { OVERFS_SEED, OVERFS_RUNS, OVERFS_SOAK } = process.env;

it('W2, W4, W5, W11: a moody upper loses nothing, and everybody hears of it', () => {
  const runs = OVERFS_RUNS === undefined ? (OVERFS_SOAK === 'long' ? 20_000 : 60) : Number(OVERFS_RUNS);
  const property = fc.property(
    fc.array(fc.tuple(command, mood), { minLength: 1, maxLength: 40, size: 'max' }),
    (steps) => {
      const world = new World();
      for (const [step, moods] of steps) world.play(step, moods);
      world.end();
    },
  );
  const seed = OVERFS_SEED === undefined ? {} : { seed: Number(OVERFS_SEED) };
  fc.assert(property, { numRuns: runs, ...seed });
});
