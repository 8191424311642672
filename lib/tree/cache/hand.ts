/**
 * A hand that goes round the names of a tree that are in memory, like that of a clock. It remembers only where it
 * stands, so a tree that is never short of room pays nothing for it. Directories come after what is in them.
 */

import { Directory, type Entry, Inode, type Link } from '../inode.ts';

/** A directory on the way to where the hand stands, and the names in it that are still to come. */
class Level {
  readonly directory: Directory;
  /** Undefined while the hand rests. Changed by `next` and `rest`. */
  #names: Iterator<[string, Entry]> | undefined;
  /** The name to go on with after a rest; undefined for the first. Changed by `next` and `rest`. */
  #upcoming: string | undefined;
  /** No name is left. Changed by `rest`. */
  #isOver = false;

  constructor(directory: Directory) {
    this.directory = directory;
  }

  /** The next name and what it stands for; undefined after the last. */
  next(): [string, Entry] | undefined {
    if (this.#isOver) return undefined;
    this.#names ??= this.directory.names.entries();
    const { value } = this.#upcoming === undefined ? this.#names.next() : this.#find(this.#names, this.#upcoming);
    return value;
  }

  /** Goes to the name to go on with, or to the first one if that is gone. */
  #find(names: Iterator<[string, Entry]>, upcoming: string): IteratorResult<[string, Entry], undefined> {
    this.#upcoming = undefined;
    let at = names.next();
    if (this.directory.names.has(upcoming)) while (!at.done && at.value[0] !== upcoming) at = names.next();
    return at;
  }

  /** Remembers the place by the next name. */
  rest(): void {
    // The hand has not moved since the last rest.
    if (this.#names === undefined) return;
    const { value } = this.#names.next();
    this.#names = undefined;
    this.#upcoming = value?.[0];
    this.#isOver = value === undefined;
  }
}

/** See the file comment. */
export class Hand {
  /** The way from the root down to where the hand stands; empty between two rounds. Changed by `next`. */
  readonly #way: Level[] = [];

  /** The next name of an inode; undefined when a round is over. */
  next(root: Directory): Link | undefined {
    if (this.#way.length === 0) this.#way.push(new Level(root));
    for (let level = this.#way.at(-1); level !== undefined; level = this.#way.at(-1)) {
      const { directory } = level;
      const found = level.next();
      if (found === undefined) {
        this.#way.pop();
        // A directory that was removed meanwhile has no name.
        if (directory.parent !== undefined && directory !== root) {
          return { directory: directory.parent, name: directory.name };
        }
        continue;
      }
      const [name, entry] = found;
      if (entry instanceof Directory) this.#way.push(new Level(entry));
      else if (entry instanceof Inode) return { directory, name };
    }
    return undefined;
  }

  /**
   * Ends a pass; the hand stays where it is. A kept iterator would keep alive every table that its Map has since had
   * (V8 OrderedHashTable).
   */
  rest(): void {
    for (const level of this.#way) level.rest();
  }
}
