// W11 with a real process: killed (SIGKILL) at a random moment while it syncs to a directory, many times over; each
// time the upper is mounted again, and shows one whole round, not older than the last one whose sync had returned.
// OVERFS_SEED repeats the delays.

import { spawn } from 'node:child_process';
import nodeFs, { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { transpileLibrary } from '../transpiled.ts';
import { leftovers, type UpperFs } from '../writeback/rig.ts';

const KILLS = process.env.OVERFS_SOAK === 'short' ? 10 : 200;
const FILES = 20;

const directory = mkdtempSync(join(tmpdir(), 'overfs-kill-'));
const upper = join(directory, 'upper');
nodeFs.mkdirSync(upper);
afterAll(() => rmSync(directory, { recursive: true }));

/** Changes a tree and syncs, round after round, and says from which round on it began and which was synced last. */
const CHILD = `
import { writeFileSync } from 'node:fs';
const [library, upper, notes] = process.argv.slice(2);
const { createOverlay } = await import(library);
const overlay = createOverlay({ lower: [], upper });
const { fs } = overlay;
const start = fs.existsSync('/round') ? Number(fs.readFileSync('/round', 'utf8')) : 0;
for (let round = start + 1; ; round++) {
  const [now, before] = ['/tree' + (round % 2), '/tree' + ((round + 1) % 2)];
  for (let i = 0; i < ${FILES}; i++) {
    const name = now + '/dir' + (i % 4);
    fs.mkdirSync(name, { recursive: true });
    fs.writeFileSync(name + '/' + i, (round + ' ').repeat(2000 + i));
  }
  fs.rmSync(before, { recursive: true, force: true });
  fs.writeFileSync('/patched', Buffer.alloc(100_000), { flag: 'a' });
  const fd = fs.openSync('/patched', 'r+');
  fs.ftruncateSync(fd, 100_000);
  for (let at = 0; at < 100_000; at += 20_000) fs.writeSync(fd, 'round ' + round, at);
  fs.closeSync(fd);
  fs.writeFileSync('/round.tmp', String(round));
  fs.renameSync('/round.tmp', '/round');
  if (round % 2 === 0) overlay.syncSync();
  else await overlay.sync();
  writeFileSync(notes, String(round));
}
`;

/** Lets a process work for so many milliseconds and kills it. */
async function workAndDie(library: string, notes: string, milliseconds: number): Promise<string> {
  const program = join(directory, 'child.mjs');
  writeFileSync(program, CHILD);
  const child = spawn(process.execPath, [program, library, upper, notes], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  await ended;
  clearTimeout(timer);
  return said;
}

it(`W11: ${KILLS} processes killed while they sync leave whole rounds`, async () => {
  const seed = Number(process.env.OVERFS_SEED ?? Date.now() % 1e6);
  console.log(`OVERFS_SEED=${seed}`);
  let state = seed;
  nodeFs.mkdirSync(join(directory, 'library'));
  const library = transpileLibrary(join(directory, 'library'));
  const notes = join(directory, 'synced');
  let [staged, decided] = [0, 0];
  for (let kill = 0; kill < KILLS; kill++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    expect(await workAndDie(library, notes, 600 + (state % 600))).toBe('');
    const synced = existsSync(notes) ? Number(readFileSync(notes, 'utf8')) : 0;
    if (existsSync(join(upper, '.overfs/journal'))) decided++;
    else if (leftovers(nodeFs as UpperFs, upper).length > 0) staged++;
    const overlay = createOverlay({ lower: [], upper });
    const { fs } = overlay;
    const round = fs.existsSync('/round') ? Number(fs.readFileSync('/round', 'utf8')) : 0;
    expect(round).toBeGreaterThanOrEqual(synced);
    if (round > 0) {
      expect(fs.readdirSync('/')).toEqual(['patched', 'round', `tree${round % 2}`]);
      for (let i = 0; i < FILES; i++) {
        const text = fs.readFileSync(`/tree${round % 2}/dir${i % 4}/${i}`, 'utf8');
        expect(text === `${round} `.repeat(2000 + i), `file ${i} of round ${round}`).toBe(true);
      }
      const patched = fs.readFileSync('/patched');
      expect(patched.length).toBe(100_000);
      for (let at = 0; at < 100_000; at += 20_000) {
        expect(patched.toString('latin1', at, at + 20).replace(/\0.*/, '')).toBe(`round ${round}`);
      }
    }
    expect(leftovers(nodeFs as UpperFs, upper)).toEqual([]);
    overlay.close();
  }
  console.log(
    `${readFileSync(notes, 'utf8')} rounds; killed ${staged} times before and ${decided} times after a decision`,
  );
  expect(staged + decided).toBeGreaterThan(0);
});
