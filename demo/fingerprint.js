/** A hash of everything in a directory, to see whether anything there has changed. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Hashes names, types, modes, sizes and times to the nanosecond of all that lies below a directory, and the contents of the files;
 * of what lies in `node_modules`, all but the contents. `.git` is left out: it changes when somebody looks at it.
 *
 * @param {string} directory
 * @returns {{ hash: string, names: number }}
 */
export function fingerprint(directory) {
  const hash = createHash('sha256');
  let names = 0;
  /** @param {string} at @param {boolean} isOurs */
  const visit = (at, isOurs) => {
    const stats = fs.lstatSync(at, { bigint: true });
    names++;
    hash.update(`${path.relative(directory, at)}\0${stats.mode}\0${stats.size}\0${stats.mtimeNs}\0${stats.ctimeNs}\0`);
    if (stats.isDirectory()) {
      for (const name of fs.readdirSync(at).sort()) {
        if (at !== directory || name !== '.git') visit(path.join(at, name), isOurs && name !== 'node_modules');
      }
    } else if (stats.isSymbolicLink()) {
      hash.update(fs.readlinkSync(at));
    } else if (isOurs && stats.isFile()) {
      hash.update(fs.readFileSync(at));
    }
  };
  visit(directory, true);
  return { hash: hash.digest('hex'), names };
}
