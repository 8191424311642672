// The notes of the work area are whole whatever happens while they are written.

import nodeFs from 'node:fs';
import { expect, it } from 'vitest';
import { useDirectories } from '../directories.ts';
import { Fault, failing, mount, survey, whichOf } from '../rig.ts';

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
