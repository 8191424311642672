/**
 * Inode numbers: stable for the life of a file and unique in the overlay (C3).
 *
 *     born here     0 .. 2^40             counted
 *     from below    slot * 2^40 + low     a slot for each (branch, device, high); `high` and `low` are the parts of the
 *                                         file's own number above and below 2^40. The root's device of a branch, with
 *                                         `high` 0, has the slot that follows from the branch's id
 *     others        2^52 .. + 2^40        counted: directories that a lower has lost, and that hold something of ours
 *     odd ones      beyond, .. 2^53       by digest: numbers of 2^52 and more, branches without numbers, no slot left,
 *                                         and files of a lower with the number of another file that is still shown
 *
 * A number from below depends only on the branch's place in the stack and the file's own number, not on the order in
 * which files are met (except where two digests collide). So copy-up, rename, forgetting and a remount leave it as it
 * is.
 */

import { type Attributes, type Branch, UPPER } from '../branch/branch.ts';

const SLOT = 2 ** 40;
const SLOTS = 2 ** 12;
/** The slots from this one on are for devices other than the root's. */
const HALF = SLOTS / 2;
const OTHERS = 2 ** 52;
const ODD = OTHERS + SLOT;
const ODDS = 2 ** 53 - ODD;

/** See the file comment. */
export class Numbers {
  /** The last number given to something born here. Changed by `born` and `remember`. */
  #born = 0;
  /** The last number given by `another`. Changed by `another` and `remember`. */
  #other = OTHERS;
  /** The device of each branch's root, by the branch's id. Entries are only added. */
  readonly #roots = new Map<number, number>();
  /** Slots by `branch.id:device:high`, and which are taken. Entries are only added. */
  readonly #slots = new Map<string, number>();
  readonly #taken = new Set<number>();
  /** What odd numbers stand for: `branch.id:device:ino` or `branch.id:path`. Changed by `#oddNumber` and `leave`. */
  readonly #odds = new Map<number, string>();
  /** Odd numbers that several keys digest to, or that a key got because its own was taken. Entries are only added. */
  readonly #contested = new Set<number>();
  /**
   * Numbers with which files of the upper are shown, by the upper's own number. Changed by `remember`, `forgetStranger`
   * and `#forgetAll`.
   */
  readonly #remembered = new Map<number, number>();
  /**
   * The upper's own number of a file, by the number with which it is shown. If that came from a lower, the lower may
   * reuse it for another file later. Changed by `remember`, `#leave` and `#forgetAll`.
   */
  readonly #given = new Map<number, number>();
  /**
   * The upper's own numbers of files that may have had a number before the one in `#given`: they have been replaced, or
   * that one was to replace them. Changed by `remember` and `#forgetAll`.
   */
  readonly #former = new Map<number, number[]>();
  /** The upper's own numbers of files that are no more, and may still be noted. Taken by `writeback/note-keeping.ts`. */
  readonly gone = new Set<number>();
  /** The highest number of something born here that was ever noted. Changed by `remember`. */
  #noted = 0;
  /**
   * When these files of the upper were born (`birthOf`), where that was noted. Changed by `remember`, `forgetStranger`
   * and `#forgetAll`.
   */
  readonly #births = new Map<number, number>();
  /** Whether the upper shows the same birth time for a file as long as it lives. Set at the mount. */
  areBirthsKnown = false;
  // The slot asked for last, which is nearly always the one asked for next. Changed by `#slot`.
  #lastBranch: Branch | undefined;
  #lastDev = 0;
  #lastHigh = 0;
  #lastSlot = 0;

  /** A number for something born here. */
  born(): number {
    return ++this.#born;
  }

  /**
   * Notes the number with which a file of the upper is shown, now or in an earlier mount.
   *
   * @param ino the upper's own number
   * @param birth when the file was born (`birthOf`); undefined where that was not noted
   */
  remember(ino: number, number: number, birth: number | undefined): void {
    this.#leave(ino);
    this.gone.delete(ino);
    this.#remembered.set(ino, number);
    const before = this.#given.get(number);
    if (before !== undefined && before !== ino) this.#former.set(number, [...(this.#former.get(number) ?? []), before]);
    this.#given.set(number, ino);
    if (number < SLOT && number > this.#noted) this.#noted = number;
    if (birth === undefined) this.#births.delete(ino);
    else this.#births.set(ino, birth);
    if (number < SLOT && number > this.#born) this.#born = number;
    else if (number > this.#other && number < ODD) this.#other = number;
  }

  /** The upper's own number of a file that has this number from a lower; undefined where there is none. */
  givenTo(number: number): number | undefined {
    return this.#given.get(number);
  }

  /** Whether a file of the upper, born then, is already noted with this number. */
  isRemembered(ino: number, number: number, birth: number | undefined): boolean {
    return this.#remembered.get(ino) === number && this.#births.get(ino) === birth;
  }

  /**
   * Forgets what was noted under the upper's own number of a file, if that was about another file; answers whether it
   * was. Another tool may have removed the other file since, or copied the upper, so that the number stands for a
   * different file.
   */
  forgetStranger(found: Attributes): boolean {
    if (!this.areBirthsKnown) return false;
    const ino = Number(found.ino);
    const [noted, birth] = [this.#births.get(ino), birthOf(found)];
    if (!areTwoBirths(noted, birth)) return false;
    this.#births.delete(ino);
    this.#leave(ino);
    this.#remembered.delete(ino);
    return true;
  }

  /**
   * Forgets a number, since what had it has ended, and the upper does not have it any more. Answers the upper's own
   * numbers of what had it; `needed` where its note says which numbers were used: they are not used again, since an
   * overlay above may have noted them.
   */
  forget(number: number): readonly number[] | 'needed' {
    if (number === this.#noted || (number >= OTHERS && number < ODD)) return 'needed';
    return this.#forgetAll(number, undefined);
  }

  /** The same for what had the number before a file of the upper got it. */
  forgetFormer(number: number, ino: number): readonly number[] {
    return this.#former.has(number) ? this.#forgetAll(number, ino) : [];
  }

  #forgetAll(number: number, except: number | undefined): number[] {
    const given = this.#given.get(number);
    const all = [...(this.#former.get(number) ?? []), ...(given === undefined ? [] : [given])];
    this.#former.delete(number);
    const left = all.filter((ino) => ino !== except && this.#remembered.get(ino) === number);
    for (const ino of left) {
      this.#leave(ino);
      this.#remembered.delete(ino);
      this.#births.delete(ino);
      this.gone.add(ino);
    }
    return left;
  }

  /** Notes that a file of the upper no longer has its number. */
  #leave(ino: number): void {
    const number = this.#remembered.get(ino);
    if (number !== undefined && this.#given.get(number) === ino) this.#given.delete(number);
  }

  /** Notes on which device a branch begins. Only the first call counts. */
  noteRoot(branch: Branch, dev: number): void {
    if (!this.#roots.has(branch.id)) this.#roots.set(branch.id, dev);
  }

  /** The number of a file of a branch: the same for the same file, always. */
  of(branch: Branch, dev: number, ino: number | bigint, path: string): number {
    if (branch.id === UPPER && typeof ino === 'number') {
      const known = this.#remembered.get(ino);
      if (known !== undefined) return known;
    }
    if (ino === 0) return this.#oddNumber(`${branch.id}:${path}`);
    const high = typeof ino === 'number' && ino < OTHERS ? Math.floor(ino / SLOT) : undefined;
    const slot = high === undefined ? 0 : this.#slot(branch, dev, high);
    return slot === 0 ? this.#oddNumber(`${this.#deviceOf(branch, dev)}:${ino}`) : slot * SLOT + (Number(ino) % SLOT);
  }

  /** A number that no file had before. */
  another(): number {
    return ++this.#other;
  }

  /** The number to use instead of one that another file has: the same each time, unless that is taken too. */
  instead(number: number, isTaken: (number: number) => boolean): number {
    for (let count = 2; ; count++) {
      const found = this.#oddNumber(`${count}:${number}`);
      if (!isTaken(found)) return found;
    }
  }

  #oddNumber(key: string): number {
    let at = digest(key);
    for (let other = this.#odds.get(at); other !== key; other = this.#odds.get(at)) {
      if (other === undefined) this.#odds.set(at, key);
      else {
        this.#contested.add(at);
        at = (at + 1) % ODDS;
        this.#contested.add(at);
      }
    }
    return ODD + at;
  }

  /**
   * Notes that no file in memory has a number any more. A digest comes out the same again, so it need not be
   * remembered.
   */
  leave(number: number): void {
    if (number >= ODD && !this.#contested.has(number - ODD)) this.#odds.delete(number - ODD);
  }

  /** The slot of a device of a branch and the high part of a number there, or 0 when there is none left. */
  #slot(branch: Branch, dev: number, high: number): number {
    if (branch === this.#lastBranch && dev === this.#lastDev && high === this.#lastHigh) return this.#lastSlot;
    const key = `${this.#deviceOf(branch, dev)}:${high}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#freeSlot(branch, dev, high, key);
      this.#slots.set(key, slot);
      this.#taken.add(slot);
    }
    this.#lastBranch = branch;
    this.#lastDev = dev;
    this.#lastHigh = high;
    this.#lastSlot = slot;
    return slot;
  }

  /** The name of a device in keys. The root's has none, since it may have another number each time it is mounted. */
  #deviceOf(branch: Branch, dev: number): string {
    return this.#roots.get(branch.id) === dev ? `${branch.id}` : `${branch.id}:${dev}`;
  }

  #freeSlot(branch: Branch, dev: number, high: number, key: string): number {
    const own = branch.id + 1;
    if (high === 0 && own < HALF && this.#roots.get(branch.id) === dev) return own;
    const start = digest(key) % HALF;
    for (let i = 0; i < HALF; i++) {
      const slot = HALF + ((start + i) % HALF);
      if (!this.#taken.has(slot)) return slot;
    }
    return 0;
  }
}

/** When a file was born, in milliseconds since 1970; undefined where its branch does not tell. */
export function birthOf({
  birthtimeSec,
  birthtimeNsec,
}: Pick<Attributes, 'birthtimeSec' | 'birthtimeNsec'>): number | undefined {
  const birth = birthtimeSec * 1000 + Math.trunc(birthtimeNsec / 1e6);
  return birth > 0 ? birth : undefined;
}

/** Whether two births are known and differ. A difference of one millisecond is rounding (numbers against bigints). */
export function areTwoBirths(one: number | undefined, other: number | undefined): boolean {
  return one !== undefined && other !== undefined && Math.abs(one - other) > 1;
}

const FNV_PRIME = 0x01000193;
const FNV_BASIS = 0x811c9dc5;

/** A number below ODDS for a key: FNV-1a twice, the second time seeded with the first result. */
function digest(key: string): number {
  const first = fold(key, FNV_BASIS);
  return (fold(key, first ^ FNV_PRIME) * 2 ** 20 + (first >>> 12)) % ODDS;
}

function fold(key: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), FNV_PRIME);
  // Keys are short and similar, so every bit of the result must depend on all of theirs (the finalizer of MurmurHash3).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
