/** What a ground lays out a tree with: branches that must stay as they are, and overlays that are closed at the end. */

import nodeFs from 'node:fs';
import { expect } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import type { FileSystem } from './face.ts';
import { clear, NEST, type Rights, ROOT, type Stage, scratch } from './ground.ts';
import { flatten, type Item, makeTree, type Owner, remountable, snapshot, type Tree } from './tree.ts';

export type Overlay = ReturnType<typeof createOverlay>;
export type OverlayOptions = NonNullable<Parameters<typeof createOverlay>[0]>;

/** Where the relative paths of an overlay start; it exists in all of them. */
const START = NEST.slice(0, NEST.lastIndexOf('/'));

interface Guarded {
  readonly fs: FileSystem;
  readonly root: string;
  readonly before: Map<string, string>;
}

/** A lower on the disk must keep its change times too; a memfs has looser ones. */
function look(fs: FileSystem, root: string): Map<string, string> {
  return snapshot(fs, root, fs === nodeFs ? 'with ctime' : 'without ctime');
}

/** How an overlay stands. */
export interface Standing {
  /** What it was made with. */
  readonly options: OverlayOptions;
  /** What its paths begin with. */
  readonly base: string;
}

export class Site {
  readonly items: readonly Item[];
  /** The directory on the disk that all of this site's directories are in. */
  readonly made = scratch();
  readonly #rights: Rights | undefined;
  /** Who owns what is made; nobody in particular when the scenario asks for no rights. */
  readonly owner: { readonly owner?: Owner };
  /** Branches and what they were when they were made; grows until the scenario runs. */
  readonly #guarded: Guarded[] = [];
  /** In the order they were made; closed the other way round. */
  readonly #overlays: Overlay[] = [];

  constructor(given: Tree, rights: Rights | undefined) {
    this.items = flatten(given);
    this.#rights = rights;
    this.owner = rights && ROOT ? { owner: rights.owner } : {};
    nodeFs.chmodSync(this.made, 0o755);
    this.#give(this.made);
  }

  /** A new directory on the disk. */
  directory(): string {
    const directory = nodeFs.mkdtempSync(`${this.made}/`);
    nodeFs.chmodSync(directory, 0o755);
    this.#give(directory);
    return directory;
  }

  /** A new directory on the disk with these items at NEST (or elsewhere), which must stay as it is. */
  lower(items: readonly Item[], root: string = NEST): string {
    const directory = this.directory();
    this.fill(nodeFs, directory + root, items);
    this.guard(nodeFs, directory);
    return directory;
  }

  /** Makes items somewhere; the scenario will see them at `seenAs`. */
  fill(fs: FileSystem, root: string, items: readonly Item[], seenAs: string = NEST): void {
    makeTree({ fs, root, seenAs, ...this.owner }, items);
    const { owner } = this.owner;
    for (let way = root; owner && way !== this.made && way !== ''; way = way.slice(0, way.lastIndexOf('/'))) {
      fs.chownSync(way, owner.uid, owner.gid);
    }
  }

  /** From now on this branch must stay as it is (L1). */
  guard(fs: FileSystem, root: string): void {
    this.#guarded.push({ fs, root, before: look(fs, root) });
  }

  /** An overlay with the rights of the test run, closed at the end. */
  overlay(options: OverlayOptions): Overlay {
    const overlay = createOverlay({ cwd: START, ...options });
    this.#overlays.push(overlay);
    return overlay;
  }

  /** What the scenario runs on. */
  stage(overlay: Overlay, standing: Standing): Stage {
    const { base } = standing;
    const root = base + NEST;
    const rights = this.#rights;
    return {
      fs: rights ? overlay.as({ ...rights.caller, groups: [] }) : overlay.fs,
      root,
      base,
      start: base === '' ? START : process.cwd(),
      linkNameless: (fd, path) => overlay.linkTmpfile(fd, path),
      verify: () => {
        this.#verifyRemount(overlay, standing);
        for (const { fs, root, before } of this.#guarded) expect(look(fs, root)).toEqual(before);
      },
      leave: () => {
        for (const each of this.#overlays.reverse()) each.close();
        clear(this.made);
      },
    };
  }

  /** Writing back changes nothing that shows, nor does mounting what was written back. */
  #verifyRemount(overlay: Overlay, { options, base }: Standing): void {
    const root = base + NEST;
    const shown = remountable(overlay.fs, root);
    overlay.syncSync();
    expect(remountable(overlay.fs, root), 'after a sync').toEqual(shown);
    const { upper } = overlay;
    overlay.close();
    const again = this.overlay({ ...options, ...(upper !== undefined && { upper }) });
    expect(remountable(again.fs, root), 'mounted again').toEqual(shown);
  }

  #give(directory: string): void {
    const { owner } = this.owner;
    if (owner) nodeFs.chownSync(directory, owner.uid, owner.gid);
  }
}
