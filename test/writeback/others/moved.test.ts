// Directories of a lower that were renamed: their files get to the upper one by one, and can be read at any time
// meanwhile.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { Fault, failing } from '../rig.ts';

const NAMES = ['a', 'b', 'c'];

/** An overlay with `/old` of a lower, some of which the upper knows already; renamed to `/new`, where it is no more in the lower. */
function rig(known: 'directory known' | 'directory not known') {
  const lower = Volume.fromJSON({ '/old/a': 'a', '/old/b': 'b', '/old/c': 'c', '/old/gone': 'removed before' });
  const upper = new Volume();
  const first = createOverlay({ lower, upper });
  if (known === 'directory known') first.fs.rmSync('/old/gone');
  first.close();
  const overlay = createOverlay({ lower, upper });
  const { fs } = overlay;
  if (known === 'directory not known') fs.rmSync('/old/gone');
  fs.renameSync('/old', '/new');
  const look = () => {
    // By name first: a listing says what was found before.
    const found = NAMES.map((name) => (fs.existsSync(`/new/${name}`) ? fs.readFileSync(`/new/${name}`, 'utf8') : '-'));
    return [...found, fs.existsSync('/new/gone'), ...fs.readdirSync('/new')].join(' ');
  };
  const again = () => createOverlay({ lower, upper });
  return { overlay, fs, look, again };
}

const WHOLE = 'a b c false a b c';

it.each(['directory known', 'directory not known'] as const)('W2, C10, %s: is whole at every command', (known) => {
  const { overlay, look, again } = rig(known);
  const seen = new Set<string>();
  overlay.on('command', () => {
    seen.add(look());
  });
  overlay.syncSync();
  expect([...seen]).toEqual([WHOLE]);
  expect(look()).toBe(WHOLE);
  overlay.close();
  const next = again();
  expect(next.fs.readdirSync('/new')).toEqual(NAMES);
  expect(next.fs.readdirSync('/')).toEqual(['new']);
  next.close();
});

it.each(['directory known', 'directory not known'] as const)(
  'W2, %s: is whole after any command has failed',
  (known) => {
    let isReached = true;
    for (let at = 1; isReached; at++) {
      const { overlay, fs, look, again } = rig(known);
      const fault = new Fault(overlay);
      fault.arm(at, at, failing('EIO'));
      try {
        overlay.syncSync();
      } catch {
        // It is told; what counts is what can be read.
      }
      isReached = fault.count >= at;
      expect(look(), `command ${at} failed`).toBe(WHOLE);
      fault.disarm();
      overlay.syncSync();
      expect(look(), `command ${at} had failed`).toBe(WHOLE);
      fs.writeFileSync('/new/b', 'changed');
      overlay.close();
      const next = again();
      expect(next.fs.readdirSync('/new')).toEqual(NAMES);
      expect(next.fs.readFileSync('/new/b', 'utf8')).toBe('changed');
      next.close();
    }
  },
);
