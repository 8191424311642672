/**
 * A hand that goes round over all that is in memory of a tree, name by name: where it stands is all it remembers, so a tree that is
 * never short of room pays nothing for it. Directories come after what is in them.
 */

import { Directory, type Entry, Inode, type Link } from '../inode.ts';

/** A directory on the way to where the hand stands, and which of its names are still to come. */
interface Level {
  readonly directory: Directory;
  readonly names: Iterator<[string, Entry]>;
}

export class Hand {
  /** From the root down; empty between two rounds. Names may come and go in the meantime. Changed by `next`. */
  readonly #way: Level[] = [];

  /** The next name of an inode; undefined when a round is over. */
  next(root: Directory): Link | undefined {
    if (this.#way.length === 0) this.#enter(root);
    for (let level = this.#way.at(-1); level !== undefined; level = this.#way.at(-1)) {
      const { directory, names } = level;
      const { value, done } = names.next();
      if (done) {
        this.#way.pop();
        // One that has been removed meanwhile is no longer anybody's.
        if (directory.parent !== undefined && directory !== root) {
          return { directory: directory.parent, name: directory.name };
        }
        continue;
      }
      const [name, entry] = value;
      if (entry instanceof Directory) this.#enter(entry);
      else if (entry instanceof Inode) return { directory, name };
    }
    return undefined;
  }

  #enter(directory: Directory): void {
    this.#way.push({ directory, names: directory.names.entries() });
  }
}
