// N1: every function, with every argument replaced by values of every kind, in every form, against the real fs of the
// running Node: the same error (name, code, message, fields) at the same moment, or the same result; and the same tree
// afterwards.

import nodeFs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { CALLS, enterScene, type FileSystem, type Scene, takesDescriptor, VALUES } from '../matrix.ts';
import { CALLBACK, type Form, has, outcomeOf } from './outcome.ts';

const FORMS: readonly Form[] = ['sync', 'callback', 'promise'];

let scene: ReturnType<typeof enterScene>;
beforeAll(() => {
  scene = enterScene();
});
afterAll(() => scene.leave());

/** Names, types, rights and beginnings of contents in the scene's root. */
function treeOf(fs: FileSystem): string {
  const entries = fs.readdirSync('.', 'buffer').map((name) => {
    const stats = fs.lstatSync(name);
    const content = stats.isFile() ? beginningOf(fs, name) : '';
    // What mkdtemp adds is as it comes.
    const shown = name.toString('latin1').replace(stats.mode === 0o40700 ? /.{6}$/s : '', '');
    // Of directories nothing: not every disk counts what is in them (btrfs).
    const count = stats.isFile() ? stats.size : stats.isDirectory() ? '' : stats.nlink;
    return `${shown} ${stats.mode.toString(8)} ${count} ${content}`;
  });
  return entries.sort().join('; ');
}

/** How a file begins, or why its own mode does not let it be read (by anybody but root). */
function beginningOf(fs: FileSystem, name: Buffer): string {
  let fd: number;
  try {
    fd = fs.openSync(name, 'r');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
  const bytes = Buffer.alloc(64);
  const length = fs.readSync(fd, bytes, 0, 64, 0);
  fs.closeSync(fd);
  return bytes.toString('latin1', 0, length);
}

/** How a call ends, and the tree afterwards. */
async function attempt(fs: FileSystem, form: Form, name: string, make: (scene: Scene) => unknown[]) {
  const fd = fs.openSync('file', 'r+');
  const args = make({ root: scene.root, fd });
  const ending = await outcomeOf(fs, form, name, form === 'callback' ? [...args, CALLBACK] : args);
  try {
    fs.closeSync(fd);
  } catch {
    // The call has closed it.
  }
  return { ending: ending.replaceAll(`(${fd})`, '(fd)'), tree: treeOf(fs) };
}

/** All ways to spoil the right arguments: `position = value`, or fewer of them. */
function variants(name: string, form: Form, right: (scene: Scene) => unknown[]) {
  const count = right({ root: '', fd: 0 }).length;
  const made: { title: string; make: (scene: Scene) => unknown[] }[] = [{ title: 'as it is', make: right }];
  for (let length = 0; length < count; length++) {
    made.push({ title: `${length} arguments`, make: (at) => right(at).slice(0, length) });
  }
  for (let position = 0; position < count; position++) {
    for (const [label, value] of Object.entries(VALUES)) {
      if (isLeftOut(name, form, position, label)) continue;
      made.push({ title: `${position} = ${label}`, make: (at) => right(at).with(position, value()) });
    }
  }
  return made;
}

/** Where functions take a mode or flags. */
const MODES: Readonly<Record<string, readonly number[]>> = {
  chmod: [1],
  fchmod: [1],
  mkdir: [1],
  open: [1, 2],
  write: [3],
};

/** What is not tried: it harms with the real fs, ends the process there, or is a mistake of Node's. */
function isLeftOut(name: string, form: Form, position: number, label: string): boolean {
  if (takesDescriptor(name, position)) {
    // Standard input and output are the test runner's.
    if (/^(-?0|1)$/.test(label)) return true;
    // Node throws these where nobody can catch it, and says of a descriptor that is not open something of its own inside.
    if (form === 'callback' && name === 'readFile' && /^(-1|-5|4096)$/.test(label)) return true;
    if (label === 'a symbol') return true;
  }
  // Every bit at once means something to a kernel that does not matter here.
  if (name === 'open' && position === 1 && /^-[15]$/.test(label)) return true;
  // Before Node 24 an empty prefix is an error by mistake: the name that is tried is cut off.
  if (name === 'mkdtemp' && position === 0 && /^('')$|empty Buffer/.test(label)) return true;
  // Node gives nothing without an error, or trips over itself.
  if (form === 'callback' && name === 'readFile' && /signal: aborted|buffer: small/.test(label)) return true;
  // realpath(3) looks at what is there before it minds the length.
  if (form === 'promise' && name === 'realpath' && label === 'a very long path') return true;
  // Node ends the process (src/node_file.cc asserts that it has an int32).
  return MODES[name]?.includes(position) === true && /^(-0|2\*\*31|2\*\*32-1)$/.test(label);
}

describe.each(FORMS)('N1 arguments, %s', (form) => {
  for (const [name, ways] of Object.entries(CALLS)) {
    if (!has(nodeFs, form, name)) continue;
    it.each(ways.map((right, index) => ({ right, index })))(`${name}, way $index`, async ({ right }) => {
      const differences: string[] = [];
      const untouched = treeOf(nodeFs);
      let overlay = createOverlay();
      for (const { title, make } of variants(name, form, right)) {
        const ours = await attempt(overlay.fs, form, name, make);
        const theirs = await attempt(nodeFs, form, name, make);
        if (`${ours.ending}; ${ours.tree}` !== `${theirs.ending}; ${theirs.tree}`) {
          differences.push(
            `${title}\n  ours:   ${ours.ending}; ${ours.tree}\n  theirs: ${theirs.ending}; ${theirs.tree}`,
          );
        }
        if (theirs.tree !== untouched) scene.renew();
        if (ours.tree === untouched && theirs.tree === untouched) continue;
        overlay.close();
        overlay = createOverlay();
      }
      overlay.close();
      expect(differences.join('\n')).toBe('');
    });
  }
});
