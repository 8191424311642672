// A branch over a store that has only promises: an object store, a database, IndexedDB, a service behind HTTP.
//
//     const overlay = createOverlay({ lower: keyValueBranch(store) });
//     await overlay.fs.promises.readFile('/src/index.js', 'utf8'); // asks the store
//     await overlay.preload('/src'); // asks for everything below /src once ...
//     overlay.fs.readFileSync('/src/index.js', 'utf8'); // ... so that the synchronous functions have it
//
// The keys of the store are the paths of files without the first slash (`src/index.js`), as object stores have them; directories are
// not stored, but follow from the keys. Nothing is ever written to the store: the overlay keeps changes in memory.

/**
 * The functions that a store must have.
 *
 * @typedef {object} Store
 * @property {(key: string) => Promise<Uint8Array | undefined>} get the value of a key
 * @property {(key: string) => Promise<{ size: number, modified: number } | undefined>} head how long the value is, in bytes, and
 *   when it was written, in milliseconds since 1970; a store without times may give 0, but then changes of equal length are not noticed
 * @property {(prefix: string) => Promise<readonly string[]>} keys the keys that begin with `prefix`
 */

const DIRECTORY = 0o040755;
const FILE = 0o100644;

/**
 * Makes a branch for `createOverlay` of a store: three functions of `fs.promises` are enough.
 *
 * @param {Store} store
 */
export function keyValueBranch(store) {
  /** @param {string} path */
  const lstat = async (path) => {
    const found = path === '/' ? undefined : await store.head(path.slice(1));
    if (found !== undefined) return { mode: FILE, size: found.size, mtimeMs: found.modified };
    if (path !== '/' && (await store.keys(`${path.slice(1)}/`)).length === 0) throw absent('lstat', path);
    return { mode: DIRECTORY, size: 0, mtimeMs: 0 };
  };

  /** @param {string} path */
  const readdir = async (path) => {
    const prefix = path === '/' ? '' : `${path.slice(1)}/`;
    const keys = await store.keys(prefix);
    return [...new Set(keys.map((key) => key.slice(prefix.length).split('/', 1)[0]))];
  };

  /** @param {string} path */
  const readFile = async (path) => {
    const value = await store.get(path.slice(1));
    if (value === undefined) throw absent('open', path);
    return value;
  };

  return { promises: { lstat, readdir, readFile } };
}

/**
 * The error for a path that does not exist. The overlay looks at its code.
 *
 * @param {string} syscall
 * @param {string} path
 */
function absent(syscall, path) {
  return Object.assign(new Error(`ENOENT: no such file or directory, ${syscall} '${path}'`), { code: 'ENOENT' });
}
