/** The overlay's grounds: one declared tree, lying in the layers of an overlay in every arrangement. */

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { type FileSystem, FORMS } from './face.ts';
import { type Ground, NEST, ROOT } from './ground.ts';
import { decoys, disguised, junk, moves, spread, whiteoutNames } from './layers.ts';
import type { Scenario } from './scenario.ts';
import { type Overlay, type OverlayOptions, Site } from './site.ts';
import { flatten, type Item, makeTree, removeTree, type Tree } from './tree.ts';

/** Small enough that the scenarios cross borders of pages. */
const SMALL_PAGES = 4096;

/** How a tree lies in an overlay: the options that make the overlay, and what is then made through it. */
interface Arrangement {
  readonly options: OverlayOptions;
  readonly build?: (overlay: Overlay) => void;
}

interface Traits {
  /** Who lays out the tree is hindered by the modes in it, unless it is root. */
  readonly hindered?: true;
  /** What is written back to; what the overlay makes itself when not given. */
  readonly upper?: 'memfs' | 'directory' | 'overlay';
  /** The tree is written back and what was written is mounted again before the scenario runs. */
  readonly mounted?: 'again';
}

function serves({ as, given }: Scenario, { hindered }: Traits): boolean {
  if (ROOT) return true;
  if (as === undefined) return !(hindered && isClosed(given));
  return as === 'owner' && !hindered && !isClosed(given);
}

/** Whether modes in a tree keep its owner from reading a file or searching a directory, and so from looking at a branch, or writing it back. */
function isClosed(given: Tree): boolean {
  return flatten(given).some(({ entry }) => {
    if (entry.kind === 'file') return ((entry.mode ?? 0o666) & 0o400) === 0;
    return entry.kind === 'directory' && ((entry.mode ?? 0o777) & 0o100) === 0;
  });
}

function upperOf(site: Site, kind: Traits['upper']): OverlayOptions {
  if (kind === undefined) return {};
  if (kind === 'memfs') return { upper: memfs() };
  const directory = site.directory();
  return { upper: kind === 'directory' ? directory : site.overlay({ lower: [], upper: directory }) };
}

function ground(name: string, traits: Traits, arrange: (site: Site) => Arrangement): Ground {
  return {
    name,
    forms: FORMS,
    serves: (scenario) => serves(scenario, traits),
    stand: (given, rights) => {
      const site = new Site(given, rights);
      const { options: arranged, build } = arrange(site);
      const options = { ...arranged, ...upperOf(site, traits.upper) };
      const first = site.overlay(options);
      build?.(first);
      const standing = { options, base: '' };
      if (traits.mounted === undefined) return site.stage(first, standing);
      first.close();
      return site.stage(site.overlay(options), standing);
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

function inOneLower(site: Site): Arrangement {
  return { options: { lower: site.lower(site.items) } };
}

function inImmutableLower(site: Site): Arrangement {
  const lower = { fs: nodeFs, root: site.lower(site.items), immutable: true };
  return { options: { lower, pageSize: SMALL_PAGES } };
}

/** Three lowers and what is left for the overlay itself, over a lower of things that must not show. */
function halves(site: Site, options: { readonly immutable: boolean }): Arrangement {
  const layers = spread(site.items, 3);
  const upper = layers.pop() ?? [];
  const lower = [...layers, decoys(site.items)].map((items) => ({ fs: nodeFs, root: site.lower(items), ...options }));
  return {
    options: { lower, pageSize: SMALL_PAGES },
    build: (overlay) => {
      makeRoom(overlay, upper, layers.flat());
      site.fill(overlay.fs, NEST, upper);
    },
  };
}

/** Everything is in a lower among junk that the overlay removed. */
function whiteouts(site: Site): Arrangement {
  const { tops, items } = junk(site.items);
  return {
    options: { lower: site.lower([...site.items, ...items]) },
    build: (overlay) => {
      for (const top of tops) removeTree(overlay.fs, `${NEST}/${top}`);
      mend(site, overlay);
    },
  };
}

/** Everything was in a lower under other names, and the overlay moved each into its place. */
function renamed(site: Site): Arrangement {
  return {
    options: { lower: site.lower(disguised(site.items), `${NEST}~`), pageSize: SMALL_PAGES },
    build: (overlay) => {
      overlay.fs.renameSync(`${NEST}~`, NEST);
      for (const { from, to } of moves(site.items)) overlay.fs.renameSync(`${NEST}/${from}`, `${NEST}/${to}`);
      mend(site, overlay);
    },
  };
}

/** One overlay over another, which has changes of its own. */
function stacked(site: Site): Arrangement {
  const [lowest, middle] = spread(site.items, 1);
  const inner = site.overlay({ lower: site.lower(lowest ?? []), pageSize: SMALL_PAGES });
  site.fill(inner.fs, NEST, middle ?? []);
  site.guard(inner.fs, '/');
  return { options: { lower: { fs: inner.fs } } };
}

/** A directory that another tool wrote as a layer, over a lower that has junk at the whited-out names. */
function writtenUpper(site: Site): Arrangement {
  const { tops, items } = junk(site.items);
  const [below, above] = spread(site.items, 1);
  const inUpper = site.items.filter((item) => item.entry.kind === 'directory' || above?.includes(item));
  const upper = site.directory();
  site.fill(nodeFs, upper + NEST, [...whiteoutNames(tops), ...inUpper]);
  return { options: { lower: site.lower([...items, ...(below ?? [])]), upper } };
}

/** The items with the modes that a umask would give them: memfs has none. */
function withModes(items: readonly Item[]): Item[] {
  return items.map(({ path, entry }) => {
    if (entry.kind === 'file') return { path, entry: { mode: 0o644, ...entry } };
    return { path, entry: entry.kind === 'directory' ? { mode: 0o755, ...entry } : entry };
  });
}

function memfsLower(site: Site): Arrangement {
  const fs = memfs();
  fs.mkdirSync(NEST, { recursive: true, mode: 0o755 });
  site.fill(fs, NEST, withModes(site.items));
  site.guard(fs, '/');
  return { options: { lower: { fs } } };
}

/** The tree begins in the middle of a directory and appears in the middle of the overlay. */
function rootAndAt(site: Site): Arrangement {
  const root = `${site.lower(site.items, '/some/where/ground')}/some/where`;
  return { options: { lower: [{ fs: nodeFs, root, at: '/w/x' }] } };
}

function upperOnly(site: Site): Arrangement {
  return {
    options: { lower: site.lower([]), pageSize: SMALL_PAGES },
    build: (overlay) => site.fill(overlay.fs, NEST, site.items),
  };
}

/** The real disk, with nothing given: every path means what it means outside. */
const overDisk: Ground = {
  name: 'an overlay over the whole disk',
  forms: FORMS,
  serves: (scenario) => serves(scenario, {}),
  stand: (given, rights) => {
    const site = new Site(given, rights);
    const base = site.directory();
    site.fill(nodeFs, base + NEST, site.items, base + NEST);
    site.guard(nodeFs, base);
    const options = { cwd: () => process.cwd() };
    return site.stage(site.overlay(options), { options, base });
  },
};

export const overlayGrounds: readonly Ground[] = [
  ground('everything in a lower', {}, inOneLower),
  ground('everything in an immutable lower', {}, inImmutableLower),
  ground('everything in upper', {}, upperOnly),
  ground('half and half', {}, (site) => halves(site, { immutable: false })),
  ground('half and half over immutable lowers', {}, (site) => halves(site, { immutable: true })),
  ground('a lower full of whiteouts', { hindered: true }, whiteouts),
  ground('renamed lowers', { hindered: true }, renamed),
  ground('a stacked overlay', { hindered: true }, stacked),
  ground('a memfs lower', {}, memfsLower),
  ground('a lower with root and at', {}, rootAndAt),
  ground('an upper written by another tool', {}, writtenUpper),
  ground('half and half over a memfs upper, mounted again', { upper: 'memfs', mounted: 'again' }, (site) =>
    halves(site, { immutable: false }),
  ),
  ground('everything in a directory upper, mounted again', { upper: 'directory', mounted: 'again' }, upperOnly),
  ground('everything in an overlay as upper, mounted again', { upper: 'overlay', mounted: 'again' }, upperOnly),
  ground(
    'renamed lowers and a directory upper, mounted again',
    { hindered: true, upper: 'directory', mounted: 'again' },
    renamed,
  ),
  overDisk,
];
