/**
 * What the tree learns while a batch is carried out, move by move and step by step: so that whoever reads a file or looks up a name in between
 * asks at the right place.
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

/** Hears of files that somebody else has removed or changed. */
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
  /** Which files the staging directory has. Changed as they come and go. */
  readonly #staged: StagedNames;
  /** By their names in the staging directory. */
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
    // Copies of what the file held before were made since the plan, of copies that had borrowed its bytes then.
    return source !== undefined && whoNeeds(this.#tree, source, name).length > 0 ? this.#staging.name() : undefined;
  }

  kept(index: number, kept: string, found: Attributes | undefined): void {
    const { name, source } = this.#placeAt(index);
    if (source === undefined || found === undefined) return;
    lendElsewhere(whoNeeds(this.#tree, source, name), this.#staging.source, kept, found);
  }

  givesAtOnce(index: number): boolean {
    const { name, source } = this.#placeAt(index);
    // What has failed is not decided then, and must not be under way still.
    return isIndivisible(this.#batch) || source?.held.has(name) === true;
  }

  changing(index: number): void {
    const { name, source } = this.#placeAt(index);
    if (source !== undefined) unsettlePrint(source, name);
  }

  expected(index: number): Fingerprint | undefined {
    const needs = this.#drafted(index)?.needs;
    const { name, source } = this.#placeAt(index);
    // What has become a copy of another meanwhile knows how that looks, also when it has lost its name since.
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

  /** Where a step acts: a directory of the upper, or the staging directory, and the name there. */
  #placeOf(drawn: DraftStep | undefined): Place {
    const { item, place } = drawn ?? {};
    if (typeof place === 'string') return { source: this.#staging.source, name: place };
    const link = item ?? place;
    return { source: link && upperOf(link.directory), name: link?.name ?? '' };
  }

  /** Notes that a content is in its place. */
  #noteContent(content: Content, source: UpperSource, name: string): void {
    settlePlaced(this.#tree, content, source, name);
    this.#staged.leave(content.inode);
  }

  /** Notes what came with a directory that was staged whole. */
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
