/**
 * Tells the tree of each move and step of a batch as it is done, so that a read or a lookup in between asks the upper
 * at the right place.
 */

import type { Attributes, Fingerprint } from '../branch/branch.ts';
import type { Errno } from '../errno.ts';
import { type Inode, isDirectory } from '../tree/inode.ts';
import type { UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import type { Watcher } from './area/carry-out.ts';
import { type Batch, isIndivisible } from './batch.ts';
import { lendElsewhere, noteMove, notePrint, StagedNames, unsettlePrint, upperOf, whoNeeds } from './places.ts';
import type { Content } from './plan/content.ts';
import type { DraftStep } from './plan/draft.ts';
import type { Item } from './plan/items.ts';
import { keepName, noteOpaque, settleContent, settleName, settlePlaced } from './settle.ts';
import type { StagingDirectory } from './stage/staging-directory.ts';

/** Hears of files that another tool has removed or changed. */
type LostListener = (inode: Inode, errno: Errno) => void;

/** Where in the upper something is done. */
interface Place {
  readonly source: UpperSource | undefined;
  readonly name: string;
}

/** See the file comment. */
export class BatchWatcher implements Watcher {
  readonly #tree: Tree;
  readonly #batch: Batch;
  readonly #staging: StagingDirectory;
  readonly #onLost: LostListener;
  /** The files in the staging directory. Changed as they come and go. */
  readonly #staged: StagedNames;
  /** Contents by their names in the staging directory. */
  readonly #contents = new Map<string, Content>();

  constructor(tree: Tree, batch: Batch, staging: StagingDirectory, onLost: LostListener) {
    this.#tree = tree;
    this.#batch = batch;
    this.#staging = staging;
    this.#onLost = onLost;
    this.#staged = new StagedNames(staging.source);
    for (const content of batch.plan.contents.values()) this.#contents.set(content.stage, content);
  }

  moved(index: number): void {
    const move = this.#batch.drafted.moves[index];
    if (move === undefined) return;
    noteMove(move.source, move.name, this.#staging.source, move.stage);
    this.#staged.add(move.stage);
  }

  keeps(index: number): string | undefined {
    const { name, source } = this.#placeAt(index);
    // Copies that need the old bytes may have been made since the plan, from copies that had borrowed them.
    return source !== undefined && whoNeeds(this.#tree, source, name).length > 0 ? this.#staging.name() : undefined;
  }

  kept(index: number, kept: string, found: Attributes | undefined): void {
    const { name, source } = this.#placeAt(index);
    if (source === undefined || found === undefined) return;
    lendElsewhere(whoNeeds(this.#tree, source, name), this.#staging.source, kept, found);
  }

  givesAtOnce(index: number): boolean {
    const { name, source } = this.#placeAt(index);
    // If it fails, the batch is not decided, and the step must not be done later.
    return isIndivisible(this.#batch) || source?.held.has(name) === true;
  }

  changing(index: number): void {
    const { name, source } = this.#placeAt(index);
    if (source !== undefined) unsettlePrint(source, name);
  }

  expected(index: number): Fingerprint | undefined {
    const needs = this.#drafted(index)?.needs;
    const { name, source } = this.#placeAt(index);
    // A file that has meanwhile become a copy of another has the fingerprint of that one.
    const isItsOwn = needs?.origin !== undefined && needs.origin === source && needs.originName === name;
    return isItsOwn && !this.#tree.dirty?.replaced.has(needs) ? needs.extra?.fingerprint : undefined;
  }

  lost(index: number, errno: Errno): void {
    const { failed } = this.#batch;
    const needs = this.#drafted(index)?.needs;
    if (needs === undefined || failed.has(needs)) return;
    failed.set(needs, errno);
    this.#onLost(needs, errno);
  }

  done(index: number, found: Attributes | undefined): void {
    const drawn = this.#drafted(index);
    if (drawn === undefined) return;
    this.#noteStep(drawn, found);
    for (const item of drawn.inner) this.#noteInner(item);
  }

  #drafted(index: number): DraftStep | undefined {
    return this.#batch.drafted.steps[index];
  }

  #placeAt(index: number): Place {
    return this.#placeOf(this.#drafted(index));
  }

  /** Where a step acts: a directory of the upper or the staging directory, and the name there. */
  #placeOf(drawn: DraftStep | undefined): Place {
    const { item, place } = drawn ?? {};
    if (typeof place === 'string') return { source: this.#staging.source, name: place };
    const link = item ?? place;
    return { source: link && upperOf(link.directory), name: link?.name ?? '' };
  }

  /** Notes that a content has got its place. */
  #noteContent(content: Content, source: UpperSource, name: string): void {
    settlePlaced(this.#tree, content, source, name);
    this.#staged.leave(content.inode);
  }

  /** Notes a name that came with a directory which was staged as a whole. */
  #noteInner(item: Item): void {
    const { plan, failed } = this.#batch;
    const { directory, name, want } = item;
    const source = upperOf(directory);
    if (want === undefined || source === undefined) return;
    if (failed.has(want)) {
      keepName(plan, item);
      return;
    }
    const content = plan.contents.get(want);
    if (content !== undefined) this.#noteContent(content, source, name);
    settleName(plan, item);
  }

  #noteStep(drawn: DraftStep, found: Attributes | undefined): void {
    const { plan, reach } = this.#batch;
    const { step, item, place } = drawn;
    const { source, name } = this.#placeOf(drawn);
    if (step.kind === 'place' && source !== undefined) {
      const content = this.#contents.get(step.stage);
      if (content === undefined) noteMove(this.#staging.source, step.stage, source, name);
      else this.#noteContent(content, source, name);
    }
    if (item !== undefined) settleName(plan, item);
    const marked = step.kind === 'mark' ? item?.want : undefined;
    if (marked !== undefined && isDirectory(marked) && !plan.copied.has(marked)) noteOpaque(marked);
    const patched = step.kind === 'patch' ? this.#contents.get(step.stage) : undefined;
    if (patched !== undefined && reach === 'upper') settleContent(this.#tree, patched);
    if (place !== undefined && source !== undefined && found !== undefined) notePrint(source, name, found);
  }
}
