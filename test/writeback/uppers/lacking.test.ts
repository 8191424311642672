// Uppers that lack functions: what can be done without is done without, the rest is refused in time or reported, and
// nothing is lost.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import {
  cutSync,
  type Form,
  forgetLock,
  leftovers,
  mount,
  newLower,
  PAGE,
  survey,
  type UpperFs,
  whichOf,
  without,
} from '../rig.ts';
import { WORKLOADS } from '../workloads.ts';

const newDirectory = useDirectories();

const OPENING = ['open', 'openAsBlob', 'read', 'write', 'ftruncate', 'close', 'fsync', 'fstat', 'readv', 'writev'];

const FORMS: Form[] = ['at once', 'later'];
const CASES = FORMS.flatMap((form) => Object.entries(WORKLOADS).map(([name, phases]) => [name, form, phases] as const));

describe.each([
  ['anything to open files with', OPENING],
  ['ftruncate', ['ftruncate']],
])('an upper without %s', (_, missing) => {
  it.each(CASES)('W8: %s, synced %s, is the same when mounted again', async (_name, form, phases) => {
    const directory = newDirectory();
    const overlay = mount({ fs: without(form, ...missing), root: directory });
    for (const phase of phases) {
      if (form === 'later') await overlay.preload('/');
      phase(overlay.fs);
      if (form === 'later') await overlay.sync();
      else overlay.syncSync();
    }
    if (form === 'later') await overlay.preload('/');
    const wanted = survey(overlay.fs);
    await overlay[Symbol.asyncDispose]();
    const next = mount(directory);
    expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
    expect(leftovers(nodeFs as UpperFs, directory)).toEqual([]);
    next.close();
  });

  it('W11: is before or after when it is cut after any command', () => {
    const phases = WORKLOADS.contents ?? [];
    for (let cut = 1; ; cut += 7) {
      const directory = newDirectory();
      const upper = { fs: without('at once', ...missing), root: directory };
      const overlay = mount(upper);
      survey(overlay.fs);
      phases[0]?.(overlay.fs);
      overlay.syncSync();
      const before = survey(overlay.fs);
      phases[1]?.(overlay.fs);
      const isDone = cutSync(overlay, cut);
      const after = survey(overlay.fs);
      forgetLock(nodeFs as UpperFs, directory);
      const next = mount(upper);
      expect(['before', 'after'], `cut ${cut}`).toContain(whichOf(survey(next.fs), before, after));
      next.close();
      if (isDone) break;
    }
  });
});

it('its lock is heeded although it opens nothing', () => {
  const directory = newDirectory();
  const fs = without('at once', ...OPENING);
  const overlay = mount({ fs, root: directory });
  expect(() => mount({ fs, root: directory })).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  overlay.close();
});

describe.each(FORMS)('an upper without link, asked %s', (form) => {
  it('refuses hard links when they are made, as link(2) says', async () => {
    const directory = newDirectory();
    const { fs, ...overlay } = mountLacking(directory, form, 'link');
    await fs.promises.writeFile('/file', 'bytes');
    await expect(fs.promises.link('/file', '/other')).rejects.toMatchObject({ code: 'EPERM', syscall: 'link' });
    expect(fs.existsSync('/other')).toBe(false);
    const fd = fs.openSync('/', fs.constants.O_TMPFILE | fs.constants.O_RDWR);
    overlay.linkTmpfile(fd, '/first');
    expect(() => overlay.linkTmpfile(fd, '/second')).toThrow('EPERM');
    fs.closeSync(fd);
    await overlay.close();
    expect(nodeFs.readdirSync(directory).sort()).toEqual(['.overfs', 'file', 'first']);
  });

  it('W2: holds one name of a lower file that has two; the other is reported, and stays', async () => {
    const directory = newDirectory();
    const { fs, ...overlay } = mountLacking(directory, form, 'link');
    const told: string[] = [];
    overlay.onFailure(({ path, code }) => told.push(`${path} ${code}`));
    await fs.promises.readFile('/src/f1');
    await fs.promises.readFile('/lib/twin');
    fs.appendFileSync('/lib/twin', 'both');
    fs.writeFileSync('/file', 'bytes');
    const names = ['/src/f1', '/lib/twin'];
    for (let attempt = 0; attempt < 2; attempt++) {
      const failure = await overlay.sync().then(
        () => undefined,
        (error: AggregateError) => error,
      );
      expect(failure?.errors.map(({ code, path }) => [code, names.includes(path)])).toEqual([['ENOTSUP', true]]);
    }
    expect(told.length).toBe(2);
    expect(nodeFs.readFileSync(join(directory, 'file'), 'utf8')).toBe('bytes');
    const held = names.filter((name) => nodeFs.existsSync(directory + name));
    expect(held.length).toBe(1);
    expect(nodeFs.readFileSync(`${directory}${held[0]}`, 'latin1').endsWith('both')).toBe(true);
    for (const name of names) expect(fs.readFileSync(name, 'latin1').endsWith('both')).toBe(true);
    fs.unlinkSync(names.find((name) => name !== held[0]) as string);
    await overlay.close();
  });
});

it('an upper without symlink refuses links when they are made, and reports one of a lower that is moved', () => {
  const directory = newDirectory();
  const overlay = mount({ fs: without('at once', 'symlink'), root: directory });
  expect(() => overlay.fs.symlinkSync('target', '/link')).toThrow(
    expect.objectContaining({ code: 'EPERM', syscall: 'symlink' }),
  );
  overlay.fs.renameSync('/ln', '/moved');
  overlay.fs.writeFileSync('/file', 'bytes');
  expect(() => overlay.syncSync()).toThrow('/moved');
  expect(overlay.fs.readlinkSync('/moved')).toBe('src/f0');
  expect(nodeFs.readFileSync(join(directory, 'file'), 'utf8')).toBe('bytes');
  overlay.fs.unlinkSync('/moved');
  overlay.close();
});

it.each([
  ['chmod'],
  ['utimes', 'lutimes', 'futimes'],
  ['chown', 'lchown', 'fchown'],
  ['chmod', 'utimes', 'lutimes', 'chown', 'lchown'],
])('an upper without %s gets names and contents all the same', (...missing) => {
  const directory = newDirectory();
  const shape = (fs: typeof nodeFs, root: string): string[] =>
    survey(fs as Parameters<typeof survey>[0], root).map((line) => line.replace(/^(\S+) \d+ -?\d+ /, '$1 '));
  const overlay = mount({ fs: without('at once', ...missing), root: directory });
  for (const phase of WORKLOADS.contents ?? []) {
    phase(overlay.fs);
    overlay.syncSync();
  }
  const wanted = shape(overlay.fs, '/');
  overlay.close();
  const next = mount(directory);
  expect(shape(next.fs, '/')).toEqual(wanted);
  next.close();
});

it.each(['mkdir', 'rename', 'unlink', 'rmdir', 'writeFile'])('an upper without %s is refused, naming it', (name) => {
  const missing = name === 'writeFile' ? [...OPENING, name] : [name];
  for (const form of FORMS) {
    expect(() => createOverlay({ upper: { fs: without(form, ...missing), name: 'store' }, lower: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_OVERFS_BRANCH', message: expect.stringMatching(`"store".*${name}`) }),
    );
  }
});

/** An overlay on such an upper that is mounted, and its control in one form. */
function mountLacking(directory: string, form: Form, ...missing: string[]) {
  const overlay = createOverlay({
    lower: newLower(),
    upper: { fs: without(form, ...missing), root: directory },
    pageSize: PAGE,
  });
  return {
    fs: overlay.fs,
    linkTmpfile: overlay.linkTmpfile.bind(overlay),
    onFailure: (listener: (failure: { path: string; code: string }) => void) => overlay.on('writeback-error', listener),
    sync: async () => (form === 'later' ? overlay.sync() : overlay.syncSync()),
    close: () => overlay[Symbol.asyncDispose](),
  };
}
