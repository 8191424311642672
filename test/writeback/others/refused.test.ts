// What the upper refuses for good when a batch is decided: a directory of somebody else, or one that somebody has taken away. It is that file's
// fault only (W2, W4): all else arrives, what was refused is told and stays dirty, and arrives once nothing stands in its way.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { actAs } from '../../act-as.ts';
import { useDirectories } from '../directories.ts';
import { bytesOf, Fault, type FileSystem, forgetLock, leftovers, PAGE, survey, whichOf, writeAt } from '../rig.ts';

const SOMEBODY = 65534;
const newDirectory = useDirectories();

/** Syncs; answers what was refused, and how. */
function refusalsNow(overlay: Overlay): string[] {
  try {
    overlay.syncSync();
    return [];
  } catch (error) {
    return told(error);
  }
}

async function refusals(overlay: Overlay, form: 'at once' | 'later'): Promise<string[]> {
  return form === 'at once' ? refusalsNow(overlay) : overlay.sync().then(() => [], told);
}

function told(error: unknown): string[] {
  const { errors = [error] } = error as AggregateError;
  return errors.map(({ code, path }: NodeJS.ErrnoException) => `${code} ${path}`).sort();
}

/** What the upper held before: the directory `foreign` is somebody else's in the end. */
function furnish(fs: FileSystem): void {
  fs.mkdirSync('/foreign/inner', { recursive: true });
  fs.mkdirSync('/dir/inner', { recursive: true });
  for (const path of ['/a', '/b', '/dir/file', '/dir/inner/file', '/foreign/file', '/foreign/large']) {
    fs.writeFileSync(path, bytesOf(path.length, path.endsWith('large') ? 8 * PAGE : 100));
  }
}

type Deed = readonly [name: string, deed: (fs: FileSystem) => void, told: readonly string[]];

const DEEDS: readonly Deed[] = [
  ['a new file', (fs) => fs.writeFileSync('/foreign/new', 'new'), ['EACCES /foreign/new']],
  [
    'a new directory with all that is in it',
    (fs) => {
      fs.mkdirSync('/foreign/made/deep', { recursive: true });
      fs.writeFileSync('/foreign/made/deep/file', 'file');
    },
    ['EACCES /foreign/made', 'EACCES /foreign/made/deep', 'EACCES /foreign/made/deep/file'],
  ],
  ['a file written anew', (fs) => fs.writeFileSync('/foreign/file', 'written anew'), ['EACCES /foreign/file']],
  ['pages', (fs) => writeAt(fs, '/foreign/large', 'pages', 3 * PAGE), ['EACCES /foreign/large']],
  ['a mode', (fs) => fs.chmodSync('/foreign/file', 0o600), ['EPERM /foreign/file']],
  ['a mode of the directory', (fs) => fs.chmodSync('/foreign', 0o711), ['EPERM /foreign']],
  ['a removal', (fs) => fs.unlinkSync('/foreign/file'), ['EACCES /foreign/file']],
  ['a directory moved there', (fs) => fs.renameSync('/dir', '/foreign/dir'), ['EACCES /foreign/dir']],
  ['a file moved there', (fs) => fs.renameSync('/a', '/foreign/a'), ['EACCES /foreign/a']],
  ['a file moved from there', (fs) => fs.renameSync('/foreign/file', '/taken'), ['EACCES /taken']],
  ['a file moved over one there', (fs) => fs.renameSync('/a', '/foreign/file'), ['EACCES /foreign/file']],
  ['a further name', (fs) => fs.linkSync('/a', '/foreign/a'), ['EACCES /a']],
  ['a link', (fs) => fs.symlinkSync('/a', '/foreign/link'), ['EACCES /foreign/link']],
];

/** An upper of somebody's in which one directory is root's. */
function foreignUpper() {
  const root = newDirectory();
  const first = createOverlay({ lower: [], upper: root, pageSize: PAGE });
  furnish(first.fs);
  first.close();
  const own = (path: string): void => {
    nodeFs.chownSync(path, SOMEBODY, SOMEBODY);
    if (!nodeFs.lstatSync(path).isDirectory()) return;
    for (const name of nodeFs.readdirSync(path)) own(join(path, name));
  };
  own(root);
  for (const path of ['', 'inner', 'file', 'large']) nodeFs.chownSync(join(root, 'foreign', path), 0, 0);
  const open = (onError: 'retain' | 'discard' = 'retain') =>
    createOverlay({
      lower: [],
      upper: root,
      pageSize: PAGE,
      credentials: { uid: 0, gid: 0 },
      writeback: { expire: Number.POSITIVE_INFINITY, onError },
    });
  return { root, open };
}

describe.skipIf(process.geteuid?.() !== 0)('a directory of somebody else', () => {
  for (const form of ['at once', 'later'] as const) {
    it.each(DEEDS)(`W2 W4: %s, ${form}`, async (_name, deed, told) => {
      const { root, open } = foreignUpper();
      const overlay = await actAs({ uid: SOMEBODY, gid: SOMEBODY }, async () => {
        const overlay = open();
        const heard: string[] = [];
        overlay.on('writeback-error', ({ code, path }) => heard.push(`${code} ${path}`));
        overlay.fs.readdirSync('/foreign');
        deed(overlay.fs);
        for (let i = 0; i < 2; i++) {
          const shown = survey(overlay.fs);
          overlay.fs.writeFileSync('/other', `arrives ${i}`);
          const more = survey(overlay.fs);
          expect(await refusals(overlay, form)).toEqual(told);
          expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe(`arrives ${i}`);
          expect(whichOf(survey(overlay.fs), shown, more)).toBe('after');
          expect(nodeFs.existsSync(join(root, '.overfs/journal'))).toBe(false);
          expect(nodeFs.existsSync(join(root, '.overfs/moved'))).toBe(false);
          expect(heard.splice(0).sort()).toEqual(told);
        }
        return overlay;
      });
      // Root is refused nothing.
      const wanted = survey(overlay.fs);
      expect(await refusals(overlay, form)).toEqual([]);
      await overlay[Symbol.asyncDispose]();
      const next = open();
      expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
      next.close();
      expect(leftovers(nodeFs, root)).toEqual([]);
    });
  }

  it.each(DEEDS)('W11: %s, and a crash behind that: nothing is lost that was there', (_name, deed) => {
    for (let cut = 1, isDone = false; !isDone; cut++) {
      const { root, open } = foreignUpper();
      const [before, wanted, end] = actAs({ uid: SOMEBODY, gid: SOMEBODY }, () => {
        const overlay = open();
        const before = survey(overlay.fs);
        deed(overlay.fs);
        overlay.fs.writeFileSync('/other', 'arrives');
        const fault = new Fault(overlay);
        fault.arm(cut, Number.POSITIVE_INFINITY, new Error('cut'));
        const isTold = refusalsNow(overlay).length > 0;
        const isCut = fault.count >= cut;
        fault.disarm();
        return [before, survey(overlay.fs), isCut || !isTold ? 'cut' : 'told'];
      });
      if (end === 'told') expect(nodeFs.existsSync(join(root, '.overfs/journal'))).toBe(false);
      forgetLock(nodeFs, root);
      // Root is refused nothing, and ends what was decided.
      const next = createOverlay({ lower: [], upper: root, pageSize: PAGE, writeback: 'manual' });
      const shown = survey(next.fs);
      if (whichOf(shown, before, wanted).startsWith('neither')) {
        expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
        // What was there is there, by its old name or the new one.
        for (const digest of digestsIn(before).filter((each) => digestsIn(wanted).includes(each))) {
          expect(digestsIn(shown), `cut ${cut}`).toContain(digest);
        }
      }
      next.close();
      isDone = end === 'told';
    }
  });
});

/** The contents of the files in a survey. */
function digestsIn(lines: readonly string[]): (string | undefined)[] {
  return lines.filter((line) => / =\//.test(line)).map((line) => line.split(' ').at(-1));
}

describe('what somebody has taken away', () => {
  /** An upper with `furnish`, and an overlay on it that has seen all of it. */
  function stand(onError: 'retain' | 'discard' = 'retain') {
    const root = newDirectory();
    const first = createOverlay({ lower: [], upper: root });
    furnish(first.fs);
    first.close();
    const overlay = createOverlay({ lower: [], upper: root, writeback: { expire: Number.POSITIVE_INFINITY, onError } });
    survey(overlay.fs);
    return { root, overlay, fs: overlay.fs };
  }

  it('W2 W4: the directory in which something is to be: all else arrives', () => {
    const { root, overlay, fs } = stand();
    nodeFs.rmSync(join(root, 'dir'), { recursive: true });
    fs.writeFileSync('/dir/new', 'new');
    fs.renameSync('/a', '/dir/a');
    fs.writeFileSync('/other', 'arrives');
    for (let i = 0; i < 2; i++) {
      expect(refusalsNow(overlay)).toEqual(['ENOENT /dir/a', 'ENOENT /dir/new']);
      expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
      // It is safe under its old name as long as it has not got its new one.
      expect(nodeFs.existsSync(join(root, 'a'))).toBe(true);
      expect(fs.existsSync('/a')).toBe(false);
    }
    fs.renameSync('/dir/a', '/elsewhere');
    fs.rmSync('/dir', { recursive: true });
    expect(refusalsNow(overlay)).toEqual([]);
    overlay.close();
    expect(nodeFs.readdirSync(root).sort()).toEqual(['.overfs', 'b', 'elsewhere', 'foreign', 'other']);
    expect(leftovers(nodeFs, root)).toEqual([]);
  });

  it('W2 W4: what was renamed here: it is told, and all else arrives', () => {
    const { root, overlay, fs } = stand();
    nodeFs.unlinkSync(join(root, 'a'));
    fs.renameSync('/a', '/moved');
    fs.renameSync('/b', '/moved too');
    for (let i = 0; i < 2; i++) {
      expect(refusalsNow(overlay)).toEqual(['ENOENT /moved']);
      expect(nodeFs.existsSync(join(root, 'moved too'))).toBe(true);
    }
    fs.writeFileSync('/moved', 'written anew');
    expect(refusalsNow(overlay)).toEqual([]);
    overlay.close();
    expect(nodeFs.readFileSync(join(root, 'moved'), 'utf8')).toBe('written anew');
  });

  it("W2 W4: onError: 'discard' gives up what was refused, and nothing else", () => {
    const { root, overlay, fs } = stand('discard');
    nodeFs.rmSync(join(root, 'dir'), { recursive: true });
    nodeFs.writeFileSync(join(root, 'dir'), 'a file now');
    const heard: string[] = [];
    overlay.on('writeback-error', ({ code, path, discarded }) => heard.push(`${code} ${path} ${discarded}`));
    fs.writeFileSync('/dir/new', 'new');
    fs.writeFileSync('/other', 'arrives');
    expect(refusalsNow(overlay)).toEqual(['ENOTDIR /dir/new']);
    expect(heard).toEqual(['ENOTDIR /dir/new true']);
    expect(fs.existsSync('/dir/new')).toBe(false);
    expect(refusalsNow(overlay)).toEqual([]);
    overlay.close();
    expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
  });

  it('W7: a change that is written through and can be brought down no more holds up no other', () => {
    const { root, overlay } = stand();
    overlay.close();
    const { fs, ...through } = createOverlayThrough(root);
    survey(fs);
    nodeFs.rmSync(join(root, 'dir'), { recursive: true });
    fs.renameSync('/a', '/dir/a');
    fs.writeFileSync('/other', 'arrives');
    expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
    expect(through.heard.length).toBeGreaterThan(0);
    fs.renameSync('/dir/a', '/a');
    fs.rmSync('/dir', { recursive: true });
    through.overlay.close();
    expect(nodeFs.readdirSync(root).sort()).toEqual(['.overfs', 'a', 'b', 'foreign', 'other']);
  });
});

function createOverlayThrough(root: string) {
  const overlay = createOverlay({ lower: [], upper: root, writeback: 'through' });
  const heard: string[] = [];
  overlay.on('writeback-error', ({ code, path }) => heard.push(`${code} ${path}`));
  return { overlay, fs: overlay.fs, heard };
}
