/**
 * Where a run happens: a directory of its own, on tmpfs where the machine has one with room, so that node:fs is
 * measured without a disk.
 */
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hasRoomyTmpfs, SHARED_MEMORY } from './tmpfs.js';
import { GIB } from './trees.js';

/** @typedef {import('./trees.js').Tree} Tree */

/** The most that a run has in files at one time, with room to spare. */
const ROOM = 4 * GIB;

/** Sizes, modes and times of everything below the given directories. @param {readonly string[]} lowers */
function fingerprint(lowers) {
  return lowers
    .flatMap((lower) =>
      nodeFs.readdirSync(lower, { recursive: true, encoding: 'utf8' }).map((name) => {
        const { size, mode, mtimeMs, ctimeMs } = nodeFs.lstatSync(`${lower}/${name}`);
        return `${name} ${size} ${mode} ${mtimeMs} ${ctimeMs}`;
      }),
    )
    .join('\n');
}

/** Numbers its directories, makes each lower tree once, and sees that none is changed. */
export class Place {
  constructor() {
    const parent = hasRoomyTmpfs(ROOM) ? SHARED_MEMORY : nodeFs.realpathSync(os.tmpdir());
    this.directory = nodeFs.mkdtempSync(path.join(parent, 'overfs-bench-'));
    this.description =
      parent === SHARED_MEMORY ? `tmpfs (${parent})` : `${parent} (no roomy tmpfs: ratios mean little)`;
    /** Goes up with every path handed out. */
    this.count = 0;
    /** The directories that hold each tree, and what they looked like when made. @type {Map<Tree, { lowers: [string, ...string[]], print: string }>} */
    this.trees = new Map();
  }

  /** A path where nothing is yet, as deep as every other root. */
  scratch() {
    return `${this.directory}/s${this.count++}`;
  }

  /**
   * The directories that hold a tree, one for each branch.
   * @param {Tree} tree
   * @param {number} branches
   */
  lowersOf(tree, branches) {
    const known = this.trees.get(tree);
    if (known) return known.lowers;
    /** @type {[string, ...string[]]} */
    const lowers = [this.scratch(), ...Array.from({ length: branches - 1 }, () => this.scratch())];
    lowers.forEach((lower, branch) => {
      nodeFs.mkdirSync(lower);
      tree(nodeFs, lower, branch);
    });
    this.trees.set(tree, { lowers, print: fingerprint(lowers) });
    return lowers;
  }

  /**
   * Removes what the peers left, and throws if a lower is not as it was made.
   * @param {string} name what has just been done
   */
  tidy(name) {
    const kept = new Set([...this.trees.values()].flatMap(({ lowers }) => lowers));
    for (const entry of nodeFs.readdirSync(this.directory)) {
      const path = `${this.directory}/${entry}`;
      if (!kept.has(path)) nodeFs.rmSync(path, { recursive: true, force: true });
    }
    for (const { lowers, print } of this.trees.values()) {
      if (fingerprint(lowers) !== print) throw new Error(`a lower has been changed by: ${name}`);
    }
  }

  remove() {
    nodeFs.rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }
}
