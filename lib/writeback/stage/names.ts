/** Names in the staging directory. */

import { randomBytes } from 'node:crypto';
import type { Writer } from './writer.ts';

/**
 * Gives names that were never used before, nor will be by an overlay that has the upper after this one: what was under way when this one was
 * closed may act later. Where others may search the directory they cannot be guessed.
 */
export function stageNames({ company }: Writer): () => string {
  const own = randomBytes(4).toString('hex');
  let last = 0;
  return () => (company === 'alone' ? `${own}-${++last}` : `${own}-${++last}-${randomBytes(12).toString('hex')}`);
}
