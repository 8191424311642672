import { describe, expect, it } from 'vitest';
import { Triggers } from '../../../lib/writeback/when/triggers.ts';
import { Hand } from '../../overlay/hand.ts';

const OPTIONS = { dirtyBytes: 100, dirtyLimit: 200, expire: 5000, onError: 'retain' } as const;

function setUp() {
  const timers = new Hand();
  const ends: { resolve: () => void; reject: () => void }[] = [];
  const writeBack = () =>
    new Promise<void>((resolve, reject) => {
      ends.push({ resolve, reject: () => reject(new Error('EIO')) });
    });
  return { timers, ends, triggers: new Triggers(OPTIONS, timers, writeBack) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('when to write back unasked', () => {
  it('a change is written back when it has expired, once for all that changed meanwhile', () => {
    const { timers, ends, triggers } = setUp();
    triggers.noteChange();
    triggers.noteChange();
    expect(timers.waiting).toHaveLength(1);
    expect(timers.fire()).toBe(5000);
    expect(ends).toHaveLength(1);
  });

  it('many dirty bytes are written back at once, and not twice at the same time', async () => {
    const { timers, ends, triggers } = setUp();
    triggers.noteChange();
    triggers.noteWrite(99);
    expect(ends).toHaveLength(0);
    triggers.noteWrite(100);
    triggers.noteWrite(150);
    expect(ends).toHaveLength(1);
    expect(timers.waiting).toHaveLength(0);
    ends[0]?.resolve();
    await turn();
    triggers.noteWrite(100);
    expect(ends).toHaveLength(2);
  });

  it('what changes while it is written back is written back later', async () => {
    const { timers, ends, triggers } = setUp();
    triggers.noteChange();
    timers.fire();
    triggers.noteChange();
    expect(timers.waiting).toHaveLength(0);
    ends[0]?.resolve();
    await turn();
    expect(timers.fire()).toBe(5000);
    expect(ends).toHaveLength(2);
  });

  it('W2 a writer that waited in vain does not wait again, and the write-back is tried again by itself', () => {
    const { timers, triggers } = setUp();
    expect(triggers.mustWait(201)).toBe(true);
    triggers.noteEnd('failed');
    expect(triggers.mustWait(201)).toBe(false);
    expect(timers.fire()).toBe(1000);
  });

  it('W2 what failed is tried again, each time later, until it succeeds', async () => {
    const { timers, ends, triggers } = setUp();
    triggers.noteWrite(100);
    const delays: (number | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      ends[i]?.reject();
      await turn();
      delays.push(timers.fire());
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    ends[8]?.resolve();
    await turn();
    expect(timers.waiting).toHaveLength(0);
    triggers.noteChange();
    expect(timers.fire()).toBe(5000);
  });

  it('writers wait over the limit, but not for an upper that fails', async () => {
    const { ends, triggers } = setUp();
    expect(triggers.mustWait(200)).toBe(false);
    expect(triggers.mustWait(201)).toBe(true);
    triggers.noteWrite(150);
    ends[0]?.reject();
    await turn();
    expect(triggers.mustWait(201)).toBe(false);
  });

  it('P6 writers wait again, and changes expire again, once another call has brought everything to the upper', async () => {
    const { timers, ends, triggers } = setUp();
    triggers.noteChange();
    timers.fire();
    ends[0]?.reject();
    await turn();
    expect(timers.waiting.map(({ ms }) => ms)).toEqual([1000]);
    expect(triggers.mustWait(201)).toBe(false);
    triggers.noteEnd('arrived');
    expect(timers.waiting).toEqual([]);
    expect(triggers.mustWait(201)).toBe(true);
    triggers.noteChange();
    expect(timers.fire()).toBe(5000);
  });

  it('what no write-back can take away is no reason for one, as long as it is there', () => {
    const { ends, triggers } = setUp();
    triggers.noteRest(300);
    expect(triggers.mustWait(500)).toBe(false);
    expect(triggers.mustWait(501)).toBe(true);
    triggers.noteWrite(399);
    expect(ends).toHaveLength(0);
    triggers.noteWrite(150);
    triggers.noteWrite(249);
    expect(ends).toHaveLength(0);
    triggers.noteWrite(250);
    expect(ends).toHaveLength(1);
  });

  it('nothing is started any more once it was stopped', async () => {
    const { timers, ends, triggers } = setUp();
    triggers.noteChange();
    triggers.stop();
    expect(timers.waiting).toHaveLength(0);
    triggers.noteWrite(1000);
    triggers.noteChange();
    expect(ends).toHaveLength(0);
    expect(timers.waiting).toHaveLength(0);
  });
});
