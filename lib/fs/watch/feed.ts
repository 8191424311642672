/**
 * Tells watchers of changes: those made through the overlay, and those of lowers where they show through (N8).
 *
 *     tree.onChange ──► Feed ──► one subscription ──► (event, name as the watcher shows it)
 *     branch.watch  ──►      └─► ...
 *
 * The feed listens to the tree only while something is watched, so that otherwise it costs nothing. Events come in a
 * later turn, in the order of the changes, with the names that inotify would give through `fs.watch`.
 */

import { inNextTurn } from '../../node/turns.ts';
import { type Directory, type Inode, isDirectory, isOwnName, WATCHED } from '../../tree/inode.ts';
import type { Change, NamedChange, OwnChange, Tree } from '../../tree/tree.ts';

/** As `fs.watch` calls them. */
export type EventType = 'rename' | 'change';

/** Hears of a change; `name` is that of the entry, or its path below a directory that is watched recursively. */
export type Listener = (event: EventType, name: string) => void;

/** What is watched. */
export interface Watched {
  readonly inode: Inode;
  /** What the watched file itself is called in events. */
  readonly name: string;
  /** Whether changes below its subdirectories count too. */
  readonly depth: 'entries' | 'tree';
  /** Whether to report only changes made through the overlay, or those of the lowers too. */
  readonly whose: 'ours' | 'all';
}

/** The feeds of trees that are watched. An entry lives as long as anything in the tree is watched. */
const feeds = new WeakMap<Tree, Feed>();

/** Starts to report changes; returns how to stop that. */
export function subscribe(tree: Tree, watched: Watched, listener: Listener): () => void {
  let feed = feeds.get(tree);
  if (feed === undefined) {
    feed = new Feed(tree);
    feeds.set(tree, feed);
  }
  return feed.subscribe(watched, listener);
}

/** The event for watchers of one inode. */
interface Told {
  readonly inode: Inode;
  readonly name: string;
  readonly change: NamedChange;
}

/** One watcher. */
interface Subscription {
  /** Watchers are told in the order in which they subscribed. */
  readonly ordinal: number;
  readonly depth: Watched['depth'];
  hear(change: Change): void;
}

class Feed {
  readonly #tree: Tree;
  /**
   * The subscriptions, by the inode that is watched, which stays in memory. No set is empty. Changed by `#add` and
   * `#remove`.
   */
  readonly #subscriptions = new Map<Inode, Set<Subscription>>();
  /** How many subscriptions there have been. Changed by `subscribe`. */
  #count = 0;
  /** How many subscriptions are recursive. Changed by `#add` and `#remove`. */
  #deep = 0;
  /**
   * The last event that is not delivered yet: the kernel has one queue for all watchers (inotify(7)). Changed by
   * `subscribe` and `#tellOnce`.
   */
  #last: Told | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  subscribe(watched: Watched, listener: Listener): () => void {
    let isOver = false;
    const tell: Listener = (event, name) => {
      this.#last = undefined;
      inNextTurn(() => {
        if (!isOver) listener(event, name);
      });
    };
    const hear = (change: Change) => {
      const isOwn = change.inode === watched.inode;
      if (isOwnChange(change)) return isOwn ? tellOwn(watched, change, tell) : undefined;
      // A file hears of its own names by other events (`tellOwn`).
      if (isOwn && change.kind === 'rename') return;
      const name = nameFor(this.#tree, watched, change);
      if (name === undefined) return;
      // libuv takes an event of a directory for a rename, whatever it is (uv__inotify_read: IN_ISDIR is no IN_ATTRIB).
      const event = change.kind === 'rename' || isDirectory(change.inode) ? 'rename' : 'change';
      this.#tellOnce({ inode: watched.inode, name, change }, () => tell(event, name));
    };
    const subscription = { ordinal: this.#count++, depth: watched.depth, hear };
    this.#add(watched.inode, subscription);
    const stopBelow = watched.whose === 'all' ? watchBelow(watched, tell) : () => {};
    return () => {
      isOver = true;
      stopBelow();
      this.#remove(watched.inode, subscription);
    };
  }

  /** Tells the watchers that a change may concern. Its cost does not depend on other watchers. */
  #tell(change: Change): void {
    const own = this.#subscriptions.get(change.inode);
    if (isOwnChange(change)) {
      for (const { hear } of own ?? []) hear(change);
      return;
    }
    const beside = this.#subscriptions.get(change.directory);
    if (this.#deep === 0 && (own === undefined || beside === undefined)) {
      for (const { hear } of own ?? beside ?? []) hear(change);
      return;
    }
    const concerned = new Set([...(own ?? []), ...(beside ?? [])]);
    if (this.#deep > 0) this.#addAbove(concerned, change.directory);
    for (const { hear } of [...concerned].sort((a, b) => a.ordinal - b.ordinal)) hear(change);
  }

  /** Adds the recursive watchers of directories above. */
  #addAbove(concerned: Set<Subscription>, directory: Directory): void {
    for (let at: Directory | undefined = directory.parent, before = directory; at !== undefined && at !== before; ) {
      for (const subscription of this.#subscriptions.get(at) ?? []) {
        if (subscription.depth === 'tree') concerned.add(subscription);
      }
      before = at;
      at = at.parent;
    }
  }

  /** Delivers an event by `tell`, unless it repeats the last one, which is not delivered yet. */
  #tellOnce(told: Told, tell: () => void): void {
    const last = this.#last;
    // Several watchers get the same change.
    const isOfSameChange = last?.change === told.change;
    if (last !== undefined && !isOfSameChange && isRepetition(last, told)) return;
    // Runs right before the listener, so changes made by the listener are not repetitions.
    inNextTurn(() => {
      if (this.#last === told) this.#last = undefined;
    });
    tell();
    this.#last = told;
  }

  #add(inode: Inode, subscription: Subscription): void {
    if (subscription.depth === 'tree') this.#deep++;
    inode.state |= WATCHED;
    const others = this.#subscriptions.get(inode);
    if (others === undefined) this.#subscriptions.set(inode, new Set([subscription]));
    else others.add(subscription);
    this.#tree.onChange = (change) => this.#tell(change);
  }

  #remove(inode: Inode, subscription: Subscription): void {
    const left = this.#subscriptions.get(inode);
    if (left?.delete(subscription) !== true) return;
    if (subscription.depth === 'tree') this.#deep--;
    if (left.size > 0) return;
    this.#subscriptions.delete(inode);
    inode.state &= ~WATCHED;
    if (this.#subscriptions.size === 0) this.#tree.onChange = undefined;
  }
}

/**
 * Whether two changes make the same event twice. Two `rename`s of one name cannot: a name that has come must go before
 * it can come again.
 */
function isRepetition(one: Told, other: Told): boolean {
  const { kind } = other.change;
  return kind !== 'rename' && one.change.kind === kind && one.inode === other.inode && one.name === other.name;
}

function isOwnChange(change: Change): change is OwnChange {
  return change.kind === 'links' || change.kind === 'move' || change.kind === 'end';
}

/**
 * Tells watchers of a file what became of it. inotify reports a new or removed link as a change of attributes, and an
 * end twice: that of the file and that of its own watch (IN_DELETE_SELF, IN_IGNORED).
 */
function tellOwn({ inode, name }: Watched, { kind }: OwnChange, tell: Listener): void {
  tell(kind === 'links' && !isDirectory(inode) ? 'change' : 'rename', name);
  if (kind === 'end') tell('rename', name);
}

/** The name of a change for a watcher; undefined when it does not concern that watcher. */
function nameFor(tree: Tree, { inode, name, depth }: Watched, change: NamedChange): string | undefined {
  if (change.inode === inode) return name;
  if (!isDirectory(inode)) return undefined;
  if (change.directory === inode) return change.name;
  if (depth === 'entries') return undefined;
  let path = change.name;
  for (let at: Directory | undefined = change.directory; at !== inode; at = at.parent) {
    if (at === undefined || at === tree.root) return undefined;
    path = `${at.name}/${path}`;
  }
  return path;
}

/** Watches the branches that show through in what is watched. */
function watchBelow({ inode, name, depth }: Watched, tell: Listener): () => void {
  const stops: (() => void)[] = [];
  if (isDirectory(inode)) {
    for (const { branch, path } of inode.sources) {
      if (branch.immutable || branch.watch === undefined) continue;
      stops.push(branch.watch(path, depth, (event, below) => showsThrough(inode, below) && tell(event, below)));
    }
  } else if (inode.origin !== undefined && !inode.isOwned && !inode.origin.branch.immutable) {
    const { branch, path } = inode.origin;
    const whole = path === '/' ? `/${inode.originName}` : `${path}/${inode.originName}`;
    const stop = branch.watch?.(whole, 'entries', (event) => !inode.isOwned && tell(event, name));
    if (stop !== undefined) stops.push(stop);
  }
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * Whether a lower's change at a path below a directory can be seen: neither a name on the way nor the file is the
 * overlay's own.
 */
function showsThrough(directory: Directory, below: string): boolean {
  let at = directory;
  for (const name of below.split('/')) {
    if (isOwnName(at, name)) return false;
    const entry = at.names.get(name);
    if (entry === undefined || typeof entry === 'number') return true;
    if (!isDirectory(entry)) return !entry.isOwned;
    at = entry;
  }
  return true;
}
