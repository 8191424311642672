/**
 * overfs: a writable filesystem in memory over read-only ones, with the API of `node:fs`.
 *
 * The words used everywhere:
 *
 * - branch: anything fs-like that lies in the stack: `node:fs`, a memfs `Volume`, a `Union`, another overlay;
 * - lower: a read-only branch; of several the first one given is the topmost;
 * - upper: the one writable branch, to which what was written can be brought;
 * - overlay: the merged tree that the user sees;
 * - inode: a file's identity, attributes and pages; names point at inodes;
 * - origin: where an inode's unmodified data and attributes come from;
 * - copy-up: a file becomes the overlay's own and no longer follows its origin; it copies nothing but pages that are
 *   written in part;
 * - whiteout: a name that hides what lies below it;
 * - opaque: a directory that shows nothing of the branches below.
 *
 * @module
 */

export { BranchError, NotLoadedError } from './branch/errors.ts';
export type { Author } from './branch/upper/acting.ts';
export type { FileSystem } from './fs/session.ts';
export type { ChangeKind, FileType, PathChange } from './image/changes.ts';
export type { Part } from './image/whence.ts';
export type { OverlayEvents } from './overlay/events.ts';
export type { CacheOptions, Lower, LowerOptions, OverlayOptions, UpperOptions } from './overlay/options.ts';
export { createOverlay, Overlay } from './overlay/overlay.ts';
export type { Statistics } from './overlay/statistics.ts';
export type { Limits } from './pages/quota.ts';
export type { Credentials } from './tree/caller.ts';
export type { Timers } from './waiting/timers.ts';
export { UpperError } from './writeback/area/damage.ts';
export type { Command } from './writeback/commands.ts';
export type { Manner, Progress } from './writeback/report.ts';
export type { WriteBackOptions } from './writeback/when/triggers.ts';
