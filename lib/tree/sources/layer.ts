/**
 * What a layered source (an upper that held content already, a lower written as an OCI layer) says about itself: its
 * names, its whiteouts, whether it is opaque. Only overfs changes such a branch while the overlay lives, so each
 * directory is read once.
 */

import type { Io } from '../../fault.ts';
import { type Source, UpperSource } from './source.ts';

/** See the file comment. */
export interface Layer {
  /**
   * The visible names and their S_IFMT (0 where the branch does not tell). Those of the upper are changed by
   * `writeback/settle.ts`.
   */
  readonly names: Map<string, number>;
  /** The names that it hides in the sources below. Changed likewise. */
  readonly whiteouts: Set<string>;
  /** It hides all of the sources below. Changed likewise. */
  isOpaque: boolean;
}

/** Layers of lowers that were read. An entry lives as long as its source. */
const read = new WeakMap<Source, Layer>();

/** What a source says about itself, read when first needed. Requires: its branch is layered. */
export function layerOf(io: Io, source: Source): Layer {
  const known = source instanceof UpperSource ? source.layer : read.get(source);
  if (known !== undefined) return known;
  const names = new Map<string, number>();
  const whiteouts = new Set<string>();
  let isOpaque = false;
  const { spelling } = source.branch;
  for (const { name, type } of io.list(source.branch, source.path) ?? []) {
    const hidden = spelling.hiddenName(name);
    if (hidden !== undefined) whiteouts.add(hidden);
    else if (name === spelling.opaqueMark) isOpaque = true;
    else if (!source.hides(name)) names.set(name, type);
  }
  const layer = { names, whiteouts, isOpaque };
  if (source instanceof UpperSource) source.layer = layer;
  else read.set(source, layer);
  return layer;
}
