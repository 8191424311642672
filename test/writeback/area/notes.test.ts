// The notes of the work area are whole whatever happens while they are written.

import nodeFs from 'node:fs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { Fault, failing, forgetLock, mount, survey, whichOf } from '../rig.ts';

const newDirectory = useDirectories();

/** An overlay whose first notes are long, of times that the upper cannot hold, and go there before the one step of their batch. */
function withLongNotes(directory: string) {
  const overlay = mount({ fs: nodeFs, root: directory }, { clock: () => 1_700_000_000_123.456 });
  overlay.fs.writeFileSync('/big', 'some bytes');
  return overlay;
}

/** What is noted of this is short. */
function makeNotesShort({ fs }: ReturnType<typeof mount>): void {
  fs.utimesSync('/big', 5, 5);
}

function expectWhole(overlay: ReturnType<typeof mount>, directory: string, what: string): void {
  overlay.syncSync();
  const wanted = survey(overlay.fs);
  overlay.close();
  const next = mount({ fs: nodeFs, root: directory });
  expect(whichOf(survey(next.fs), wanted, wanted), what).toBe('after');
  next.close();
}

it('W11: the first notes are whole after any command has failed that brings them down', () => {
  let isReached = true;
  for (let at = 1; isReached; at++) {
    const directory = newDirectory();
    const overlay = withLongNotes(directory);
    const fault = new Fault(overlay);
    fault.arm(at, at, failing('EIO'));
    try {
      overlay.syncSync();
    } catch {
      // It is told; what counts is what is there afterwards.
    }
    isReached = fault.count >= at;
    fault.disarm();
    makeNotesShort(overlay);
    expectWhole(overlay, directory, `command ${at} had failed`);
  }
});

it('W11: the first notes are whole wherever a synchronous call takes over that brings other ones', async () => {
  let isReached = true;
  for (let at = 1; isReached; at++) {
    const directory = newDirectory();
    const overlay = withLongNotes(directory);
    let count = 0;
    overlay.on('command', () => {
      if (++count !== at) return;
      // Once it is under way.
      queueMicrotask(() => {
        makeNotesShort(overlay);
        overlay.syncSync();
      });
    });
    await overlay.sync();
    await new Promise(setImmediate);
    isReached = count >= at;
    overlay.removeAllListeners('command');
    expectWhole(overlay, directory, `taken over at command ${at}`);
  }
});

/** An upper that never gives an inode number again, as tmpfs and btrfs, and the path of its notes. */
function newLastingUpper(): { upper: Overlay; notes: () => string[] } {
  const upper = createOverlay({ lower: [] });
  return { upper, notes: () => upper.fs.readFileSync('/.overfs1/numbers', 'utf8').split('\n').slice(0, -1) };
}

/** The upper's own numbers that lines are about, and what the last line about each says. */
function lastOf(lines: readonly string[]): Map<string, string> {
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
}

const CHANGES: readonly [string, (fs: Overlay['fs'], round: number) => void, (fs: Overlay['fs']) => void][] = [
  ['written again', (fs, round) => fs.writeFileSync('/same', `${round}`), () => {}],
  [
    'replaced by others',
    (fs, round) => {
      fs.writeFileSync('/new', `${round}`);
      fs.renameSync('/new', '/same');
    },
    () => {},
  ],
  ['removed', (fs, round) => fs.writeFileSync(`/f${round % 2}`, 'bytes'), (fs) => fs.rmSync('/f0', { force: true })],
  [
    'removed with their directory',
    (fs) => {
      fs.mkdirSync('/d/e', { recursive: true });
      fs.writeFileSync('/d/e/file', 'bytes');
      fs.linkSync('/d/e/file', '/d/link');
      fs.symlinkSync('file', '/d/e/symlink');
    },
    (fs) => fs.rmSync('/d', { recursive: true }),
  ],
];

it.each(CHANGES)('W12: no notes are kept of files that were %s', async (_, change, undo) => {
  const { upper, notes } = newLastingUpper();
  let overlay = createOverlay({ lower: [], upper, writeback: 'manual' });
  overlay.fs.writeFileSync('/stays', 'bytes', { mode: 0o600 });
  overlay.syncSync();
  const { ino } = overlay.fs.statSync('/stays');
  for (let round = 0; round < 60; round++) {
    change(overlay.fs, round);
    if (round % 3 === 0) await overlay.sync();
    else overlay.syncSync();
    undo(overlay.fs);
    overlay.syncSync();
    if (round % 20 !== 19) continue;
    overlay.close();
    overlay = createOverlay({ lower: [], upper, writeback: 'manual' });
    expect(overlay.fs.statSync('/stays').ino).toBe(ino);
  }
  overlay.close();
  const noted = [...lastOf(notes()).values()].filter((number) => number !== '0');
  expect(noted).toContain(`${ino}`);
  expect(noted.length).toBeLessThan(12);
});

it('C3: a number is not given again after a mount, although there are no notes of the files that had it', () => {
  const { upper } = newLastingUpper();
  const used = new Set<number>();
  for (let round = 0; round < 10; round++) {
    const overlay = createOverlay({ lower: [], upper, writeback: 'manual' });
    for (const name of ['/a', '/b']) {
      overlay.fs.writeFileSync(name, 'bytes');
      overlay.syncSync();
      const { ino } = overlay.fs.statSync(name);
      expect(used).not.toContain(ino);
      used.add(ino);
      overlay.fs.unlinkSync(name);
      overlay.syncSync();
    }
    overlay.close();
  }
});

it('W11: the notes of a file whose replacement has not arrived stay', () => {
  const { upper } = newLastingUpper();
  const overlay = createOverlay({ lower: [], upper, writeback: 'manual' });
  for (const name of ['/old', '/last']) overlay.fs.writeFileSync(name, 'bytes');
  overlay.syncSync();
  const { ino } = overlay.fs.statSync('/old');
  overlay.on('command', (command) => {
    if (command.kind === 'put' && Buffer.concat(command.pieces).toString() === 'refused') throw failing('ENOSPC');
  });
  overlay.fs.writeFileSync('/new', 'refused');
  overlay.fs.renameSync('/new', '/old');
  for (let i = 0; i < 3; i++) {
    overlay.fs.writeFileSync(`/other${i}`, 'bytes');
    expect(() => overlay.syncSync()).toThrow('could not be written back');
  }
  forgetLock(upper.fs, '', '.overfs1');
  const next = createOverlay({ lower: [], upper });
  expect(next.fs.readFileSync('/old', 'utf8')).toBe('bytes');
  expect(next.fs.statSync('/old').ino).toBe(ino);
  next.close();
});
