/** The overlay's grounds: one declared tree, lying in the layers of an overlay in every arrangement. */

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { type FileSystem, FORMS } from './face.ts';
import { type Ground, NEST, ROOT } from './ground.ts';
import { decoys, disguised, junk, moves, spread, whiteoutNames } from './layers.ts';
import type { Scenario } from './scenario.ts';
import { type Overlay, Site } from './site.ts';
import { type Item, makeTree, removeTree } from './tree.ts';

/** Small enough that the scenarios cross borders of pages. */
const SMALL_PAGES = 4096;

/** Lays out the tree of a site and returns the overlay that shows it. */
type LayOut = (site: Site) => Overlay;

interface Traits {
  /**
   * Who may be the caller: nobody in particular, since the tree is made by the caller against what its modes forbid;
   * the owner, who made it; or anybody, since it was made without the caller.
   */
  readonly callers?: 'unnamed' | 'owner' | 'anybody';
}

function serves({ as }: Scenario, callers: Traits['callers']): boolean {
  if (as === undefined) return true;
  if (callers === 'unnamed') return false;
  return as === 'owner' || (ROOT && callers === 'anybody');
}

function ground(name: string, { callers = 'owner' }: Traits, layOut: LayOut): Ground {
  return {
    name,
    forms: FORMS,
    serves: (scenario) => serves(scenario, callers),
    stand: (given, rights) => {
      const site = new Site(given, rights);
      return site.stage(layOut(site), '');
    },
  };
}

function memfs(): FileSystem {
  return Volume.fromJSON({}) as unknown as FileSystem;
}

/** Gives directories again what making, removing and moving names in them has changed. */
function mend(site: Site, overlay: Overlay): void {
  const directories = site.items.filter(({ entry }) => entry.kind === 'directory');
  makeTree({ fs: overlay.fs, root: NEST, ...site.owner }, directories);
}

/** Removes what lies at the places of things that are still to be made. */
function makeRoom(overlay: Overlay, wanted: readonly Item[], lying: readonly Item[]): void {
  const kept = new Set(lying.map(({ path }) => path));
  for (const { path } of wanted) {
    if (!kept.has(path)) removeTree(overlay.fs, `${NEST}/${path}`);
  }
}

/** The three lowers and what is left for the overlay itself, over a lower of things that must not show. */
function halves(site: Site, options: { readonly immutable: boolean }): Overlay {
  const layers = spread(site.items, 3);
  const upper = layers.pop() ?? [];
  const lowers = [...layers, decoys(site.items)].map((items) => ({
    fs: nodeFs,
    root: site.lower(items),
    immutable: options.immutable,
  }));
  const overlay = site.overlay({ lower: lowers, pageSize: SMALL_PAGES });
  makeRoom(overlay, upper, layers.flat());
  site.fill(overlay.fs, NEST, upper);
  return overlay;
}

/** Everything is in a lower among junk that the overlay removed. */
function whiteouts(site: Site): Overlay {
  const { tops, items } = junk(site.items);
  const overlay = site.overlay({ lower: site.lower([...site.items, ...items]) });
  for (const top of tops) removeTree(overlay.fs, `${NEST}/${top}`);
  mend(site, overlay);
  return overlay;
}

/** Everything was in a lower under other names, and the overlay moved each into its place. */
function renamed(site: Site): Overlay {
  const overlay = site.overlay({ lower: site.lower(disguised(site.items), `${NEST}~`), pageSize: SMALL_PAGES });
  overlay.fs.renameSync(`${NEST}~`, NEST);
  for (const { from, to } of moves(site.items)) overlay.fs.renameSync(`${NEST}/${from}`, `${NEST}/${to}`);
  mend(site, overlay);
  return overlay;
}

/** One overlay over another, which has changes of its own. */
function stacked(site: Site): Overlay {
  const [lowest, middle] = spread(site.items, 1);
  const inner = site.privileged({ lower: site.lower(lowest ?? []), pageSize: SMALL_PAGES });
  site.fill(inner.fs, NEST, middle ?? []);
  return site.overlay({ lower: { fs: inner.fs } });
}

/** A directory that another tool wrote as a layer, over a lower that has junk at the whited-out names. */
function writtenUpper(site: Site): Overlay {
  const { tops, items } = junk(site.items);
  const [below, above] = spread(site.items, 1);
  const inUpper = site.items.filter((item) => item.entry.kind === 'directory' || above?.includes(item));
  const upper = site.directory();
  site.fill(nodeFs, upper + NEST, [...whiteoutNames(tops), ...inUpper]);
  return site.overlay({ lower: site.lower([...items, ...(below ?? [])]), upper });
}

/** The items with the modes that a umask would give them: memfs has none. */
function withModes(items: readonly Item[]): Item[] {
  return items.map(({ path, entry }) => {
    if (entry.kind === 'file') return { path, entry: { mode: 0o644, ...entry } };
    return { path, entry: entry.kind === 'directory' ? { mode: 0o755, ...entry } : entry };
  });
}

function memfsLower(site: Site): Overlay {
  const fs = memfs();
  fs.mkdirSync(NEST, { recursive: true, mode: 0o755 });
  site.fill(fs, NEST, withModes(site.items));
  site.guard(fs, '/');
  return site.overlay({ lower: { fs } });
}

/** The tree begins in the middle of a directory and appears in the middle of the overlay. */
function rootAndAt(site: Site): Overlay {
  const root = `${site.lower(site.items, '/some/where/ground')}/some/where`;
  return site.overlay({ lower: [{ fs: nodeFs, root, at: '/w/x' }] });
}

function upperOnly(site: Site, options: { readonly upper?: FileSystem | Overlay | string }): Overlay {
  const overlay = site.overlay({ lower: site.lower([]), pageSize: SMALL_PAGES, ...options });
  site.fill(overlay.fs, NEST, site.items);
  return overlay;
}

/** The real disk, with nothing given: every path means what it means outside. */
const overDisk: Ground = {
  name: 'an overlay over the whole disk',
  forms: FORMS,
  serves: (scenario) => serves(scenario, 'anybody'),
  stand: (given, rights) => {
    const site = new Site(given, rights);
    const base = site.directory();
    site.fill(nodeFs, base + NEST, site.items, base + NEST);
    site.guard(nodeFs, base);
    return site.stage(site.overlay({ cwd: () => process.cwd() }), base);
  },
};

export const overlayGrounds: readonly Ground[] = [
  ground('everything in a lower', { callers: 'anybody' }, (site) => site.overlay({ lower: site.lower(site.items) })),
  ground('everything in an immutable lower', { callers: 'anybody' }, (site) =>
    site.overlay({ lower: { fs: nodeFs, root: site.lower(site.items), immutable: true }, pageSize: SMALL_PAGES }),
  ),
  ground('everything in upper', {}, (site) => upperOnly(site, {})),
  ground('half and half', {}, (site) => halves(site, { immutable: false })),
  ground('half and half over immutable lowers', {}, (site) => halves(site, { immutable: true })),
  ground('a lower full of whiteouts', { callers: 'unnamed' }, whiteouts),
  ground('renamed lowers', { callers: 'unnamed' }, renamed),
  ground('a stacked overlay', { callers: 'anybody' }, stacked),
  ground('a memfs lower', { callers: 'anybody' }, memfsLower),
  ground('a lower with root and at', { callers: 'anybody' }, rootAndAt),
  ground('an upper written by another tool', { callers: 'anybody' }, writtenUpper),
  ground('a memfs upper', {}, (site) => upperOnly(site, { upper: memfs() })),
  ground('a directory upper', {}, (site) => upperOnly(site, { upper: site.directory() })),
  ground('an overlay as upper', {}, (site) =>
    upperOnly(site, { upper: site.privileged({ lower: [], upper: site.directory() }) }),
  ),
  overDisk,
];
