/** Names in the staging directory. */

import { randomBytes } from 'node:crypto';
import type { Writer } from './writer.ts';

/** Gives names that were never used before: where others may search the directory, such as they cannot guess. */
export function stageNames({ company }: Writer): () => string {
  let last = 0;
  return () => (company === 'alone' ? `${++last}` : `${++last}-${randomBytes(12).toString('hex')}`);
}
