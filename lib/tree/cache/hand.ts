/**
 * A hand that goes round over all that is in memory of a tree, name by name: where it stands is all it remembers, so a tree that is
 * never short of room pays nothing for it. Directories come after what is in them.
 */

import { Directory, type Entry, Inode, type Link } from '../inode.ts';

/** A directory on the way to where the hand stands, and which of its names are still to come. */
class Level {
  readonly directory: Directory;
  /** Undefined while the hand rests. Changed by `next` and `rest`. */
  #names: Iterator<[string, Entry]> | undefined;
  /** The name that comes next when the hand goes on; undefined for the first. Changed by `next` and `rest`. */
  #upcoming: string | undefined;
  /** No name is to come. Changed by `rest`. */
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

  /** Goes to the name that comes next: to the first where that is gone. */
  #find(names: Iterator<[string, Entry]>, upcoming: string): IteratorResult<[string, Entry], undefined> {
    this.#upcoming = undefined;
    let at = names.next();
    if (this.directory.names.has(upcoming)) while (!at.done && at.value[0] !== upcoming) at = names.next();
    return at;
  }

  /** Remembers the place by a name. */
  rest(): void {
    // Nobody has asked since the last rest.
    if (this.#names === undefined) return;
    const { value } = this.#names.next();
    this.#names = undefined;
    this.#upcoming = value?.[0];
    this.#isOver = value === undefined;
  }
}

/** See the file comment. */
export class Hand {
  /** From the root down; empty between two rounds. Names may come and go in the meantime. Changed by `next`. */
  readonly #way: Level[] = [];

  /** The next name of an inode; undefined when a round is over. */
  next(root: Directory): Link | undefined {
    if (this.#way.length === 0) this.#way.push(new Level(root));
    for (let level = this.#way.at(-1); level !== undefined; level = this.#way.at(-1)) {
      const { directory } = level;
      const found = level.next();
      if (found === undefined) {
        this.#way.pop();
        // One that has been removed meanwhile is no longer anybody's.
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

  /** Stays where it is for a while. An iterator that was kept would hold every table that its Map has had since (V8 OrderedHashTable). */
  rest(): void {
    for (const level of this.#way) level.rest();
  }
}
