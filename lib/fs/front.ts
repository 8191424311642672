/**
 * The front: an object like `node:fs` over a session.
 *
 * It has the members of the running Node's `fs`, in Node's order, with Node's `name` and `length` on every function.
 * The functions need no `this`. The object is plain and may be changed, like the real one.
 */

import { promisify } from 'node:util';
import { originalFs, originalPromises } from '../node/original-fs.ts';
import { O_TMPFILE } from '../ops/open.ts';
import type { Row } from './call.ts';
import { attributeCalls } from './calls/attributes.ts';
import { descriptorCalls } from './calls/descriptors.ts';
import { opendirRow, recursiveRmdir } from './calls/directories.ts';
import { linkCalls, nativeRealpath } from './calls/links.ts';
import { listingCalls } from './calls/listing.ts';
import { nameCalls } from './calls/names.ts';
import { callbackDataForm, dataCalls, syncDataForm } from './calls/read-write.ts';
import { existsForm, existsSyncForm, statCalls } from './calls/stat.ts';
import { dryRunPromise } from './dry-run.ts';
import { callbackForm, promiseForm, syncForm } from './forms.ts';
import { globbing } from './glob/globbing.ts';
import { handles } from './handles/open-handle.ts';
import { temporaryDirectories } from './handles/temporary-directory.ts';
import { sequences } from './sequences/sequence-calls.ts';
import type { FileSystem, Members, Part, Parts, Session } from './session.ts';
import { blobs } from './streams/open-as-blob.ts';
import { streams } from './streams/streams.ts';
import { utf8Stream } from './streams/utf8-stream.ts';
import { watching } from './watch/watching.ts';
import { copyFileRow } from './whole/copy-file.ts';
import { readFileRow } from './whole/read-file.ts';
import { writeFilePromiseForm, writeFileRows } from './whole/write-file.ts';

const TABLE: readonly Row[] = [
  ...attributeCalls,
  ...statCalls,
  ...descriptorCalls,
  ...nameCalls,
  ...linkCalls,
  ...listingCalls,
  opendirRow,
  copyFileRow,
  readFileRow,
  ...writeFileRows,
];

/** The regular calls in their three forms. */
function table(session: Session): Parts {
  const fs: Members = {};
  const promises: Members = {};
  for (const { name, sync, callback, promise } of TABLE) {
    fs[`${name}Sync`] = syncForm(session, sync);
    fs[name] = callbackForm(session, callback);
    if (promise !== undefined) promises[name] = promiseForm(session, promise);
  }
  return { fs, promises };
}

/** Calls that are not quite regular. */
function exceptions(session: Session): Parts {
  const fs: Members = { existsSync: existsSyncForm(session), exists: existsForm(session) };
  for (const call of dataCalls) {
    fs[`${call.name}Sync`] = syncDataForm(session, call);
    fs[call.name] = callbackDataForm(session, call);
  }
  return {
    fs,
    promises: {
      writeFile: writeFilePromiseForm(session, 'writeFile'),
      appendFile: writeFilePromiseForm(session, 'appendFile'),
      ...(originalFs.lchmod === undefined && { lchmod: refusedLchmod }),
    },
  };
}

/** Where the system has no `lchmod` (Linux), Node has the promise form all the same, which rejects. */
function refusedLchmod(path: unknown, mode: unknown): Promise<void> {
  return dryRunPromise('lchmod', ['path'], [path, mode]);
}

/** The parts of the front; where two have the same member, the later one counts. */
const PARTS: readonly Part[] = [
  table,
  exceptions,
  recursiveRmdir,
  handles,
  temporaryDirectories,
  streams,
  utf8Stream,
  blobs,
  sequences,
  watching,
  globbing,
];

/** Members that are Node's own: constants and classes. */
const KEPT: ReadonlySet<string> = new Set([
  'Dir',
  'Dirent',
  'F_OK',
  'R_OK',
  'Stats',
  'W_OK',
  'X_OK',
  '_toUnixTimestamp',
]);

const constants = Object.freeze(
  Object.assign(Object.create(null) as object, { O_TMPFILE }, originalFs.constants),
) as FileSystem['constants'];

/** The `name` and `length` of a function, ready to be given to another. */
interface Likeness {
  readonly name: PropertyDescriptor;
  readonly length: PropertyDescriptor;
}

/** The likenesses of Node's functions, cached since each overlay needs 230 of them. */
const likenesses = new WeakMap<object, Likeness>();

function likenessOf(real: object & { readonly name: string; readonly length: number }): Likeness {
  let likeness = likenesses.get(real);
  if (likeness === undefined) {
    likeness = {
      name: { value: real.name, configurable: true },
      length: { value: real.length, configurable: true },
    };
    likenesses.set(real, likeness);
  }
  return likeness;
}

/** Gives a function the `name` and `length` that Node's has. */
function likeNodes(made: unknown, real: unknown): unknown {
  if (typeof made !== 'function' || typeof real !== 'function') return made;
  const { name, length } = likenessOf(real);
  // One after the other: `Object.defineProperties` takes twice as long.
  Object.defineProperty(made, 'length', length);
  Object.defineProperty(made, 'name', name);
  return made;
}

/**
 * The members of a real object, in its order. Values are not looked up yet: some members are loaded, or cause a
 * warning, on access.
 */
type Layout = readonly (readonly [key: string, descriptor: PropertyDescriptor])[];

const FS_LAYOUT: Layout = Object.entries(Object.getOwnPropertyDescriptors(originalFs));
const PROMISES_LAYOUT: Layout = Object.entries(Object.getOwnPropertyDescriptors(originalPromises));

/** Puts the members of `made` that the real object has into `front`, in the real order. */
function assemble(front: object, real: object, layout: Layout, made: Members): void {
  for (const [key, descriptor] of layout) {
    const isAbsent = 'value' in descriptor && descriptor.value === undefined;
    if (key in made && !isAbsent) {
      const { enumerable = false } = descriptor;
      const value = likeNodes(made[key], (real as Members)[key]);
      Object.defineProperty(front, key, { value, enumerable, writable: true, configurable: true });
    } else if (isAbsent || KEPT.has(key)) {
      Object.defineProperty(front, key, descriptor);
    }
  }
}

function addNative(session: Session, fs: Members): void {
  const natives = [
    [fs.realpath, callbackForm(session, nativeRealpath.callback), originalFs.realpath.native],
    [fs.realpathSync, syncForm(session, nativeRealpath.sync), originalFs.realpathSync.native],
  ] as const;
  for (const [owner, native, real] of natives) Object.assign(owner as object, { native: likeNodes(native, real) });
}

/** Functions of which `util.promisify` makes something special. */
const PROMISIFIED = ['exists', 'read', 'readv', 'write', 'writev'] as const;

/** The function that `util.promisify` gives for one of these. */
function promisifiedOf(callback: unknown): unknown {
  return (callback as { readonly [promisify.custom]?: unknown })[promisify.custom];
}

/** Makes an `fs` over a session. */
export function createFront(session: Session): FileSystem {
  const front = {} as FileSystem;
  const made = PARTS.map((part) => part(session, front));
  const members: Members = Object.assign({}, ...made.map((each) => each.fs));
  const promises = {};
  assemble(
    promises,
    originalPromises,
    PROMISES_LAYOUT,
    Object.assign({ constants }, ...made.map((each) => each.promises)),
  );
  addNative(session, members);
  assemble(front, originalFs, FS_LAYOUT, { ...members, constants, promises });
  Object.defineProperty(front.exists, promisify.custom, {
    value: (path: string) => new Promise((resolve) => front.exists(path, resolve)),
  });
  // Node's promisified functions have the name and length of the originals.
  for (const name of PROMISIFIED) {
    likeNodes(promisifiedOf(front[name]), promisifiedOf(originalFs[name]) ?? originalFs[name]);
  }
  return front;
}
