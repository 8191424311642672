// What overlaps ends as one of the serial orders (C8-C11): the cases that Al Viro named for copy-up in 2013, under
// every schedule of the lower's answers.

import { describe, expect, it } from 'vitest';
import {
  everySchedule,
  type Given,
  makeWorld,
  type Outcome,
  playAtOnce,
  playInOrder,
  quiet,
  type Step,
  serialOrderOf,
} from '../chaos/history.ts';
import { branchError } from '../faults/lower.ts';
import type { FileSystem } from '../grounds/face.ts';

const LONG = 'a'.repeat(4096) + 'b'.repeat(4096) + 'c'.repeat(100);
const GIVEN: Given = { files: { '/d/f': LONG, '/d/g': 'another', '/e/x': 'x' } };

function step(name: string, run: (fs: FileSystem) => unknown): Step {
  return { name, run };
}

const chmod = step('chmod', (fs) => fs.promises.chmod('/d/f', 0o600));
const utimes = step('utimes', (fs) => fs.promises.utimes('/d/f', 1, 2));
const unlink = step('unlink', (fs) => fs.promises.unlink('/d/f'));
const append = step('append', (fs) => fs.promises.appendFile('/d/f', 'MORE'));
const write = step('write', (fs) => withFile(fs, 'r+', (fd) => written(fs, fd, 'W', 5000)));
const overwrite = step('overwrite', (fs) => fs.promises.writeFile('/d/f', 'new'));
const truncate = step('truncate', (fs) => fs.promises.truncate('/d/f', 10));
const renameOver = step('rename over', (fs) => fs.promises.rename('/d/g', '/d/f'));
const renameAway = step('rename away', (fs) => fs.promises.rename('/d/f', '/e/f'));
const stat = step('stat', (fs) => fs.promises.stat('/d/f'));
const read = step('read', (fs) => fs.promises.readFile('/d/f', 'latin1'));
const openAndRead = step('open and read', (fs) => withFile(fs, 'r', (fd) => readWhole(fs, fd)));

/** Opens by callback functions and descriptors, uses, closes. */
async function withFile<R>(fs: FileSystem, flags: string, use: (fd: number) => Promise<R>): Promise<R> {
  const fd = await called<number>((done) => fs.open('/d/f', flags, done));
  try {
    return await use(fd);
  } finally {
    await called((done) => fs.close(fd, done));
  }
}

function called<R>(run: (done: (error: NodeJS.ErrnoException | null, value?: R) => void) => void): Promise<R> {
  return new Promise((resolve, reject) => run((error, value) => (error ? reject(error) : resolve(value as R))));
}

function written(fs: FileSystem, fd: number, text: string, position: number): Promise<number> {
  return called((done) => fs.write(fd, text, position, done));
}

async function readWhole(fs: FileSystem, fd: number): Promise<string> {
  return called((done) => fs.readFile(fd, 'latin1', done));
}

/** Tries every schedule; each must come to what some order of the calls comes to. */
async function isSerial(given: Given, steps: readonly Step[], more: (outcome: Outcome) => void = () => {}) {
  const { isAll } = await everySchedule(async (schedule) => {
    const outcome = await playAtOnce(given, steps, schedule);
    expect(await serialOrderOf(given, steps, outcome), outcome.results.join('\n') + outcome.tree).toBeDefined();
    more(outcome);
  }, 40);
  return isAll;
}

function hasWhiteout({ tree }: Outcome): boolean {
  return tree.includes('removed /d/f') && !/^\/d\/f /m.test(tree);
}

describe('C8 what changes a lower file overlaps with what takes its name', () => {
  const changes = [chmod, utimes, append, truncate, overwrite];
  for (const change of changes) {
    it(`C8 ${change.name} ∥ unlink ends in a whiteout, or with the file written anew`, () =>
      isSerial(GIVEN, [change, unlink], (outcome) => {
        const madeAnew = (change === append || change === overwrite) && /^\/d\/f /m.test(outcome.tree);
        expect(hasWhiteout(outcome) || madeAnew).toBe(true);
      }));

    it(`C8 ${change.name} ∥ rename over`, () => isSerial(GIVEN, [change, renameOver]));

    it(`C8 ${change.name} ∥ rename away`, () => isSerial(GIVEN, [change, renameAway]));
  }

  it('C8 chmod ∥ unlink always ends in a whiteout, and chmod gets 0 or ENOENT', async () => {
    const seen = new Set<string | undefined>();
    await isSerial(GIVEN, [chmod, unlink], (outcome) => {
      expect(hasWhiteout(outcome)).toBe(true);
      seen.add(outcome.results[0]);
    });
    expect([...seen].sort()).toEqual(["chmod: ENOENT: no such file or directory, chmod '/d/f'", 'chmod: undefined']);
  });

  it('C8 three at once: append ∥ chmod ∥ unlink', () => isSerial(GIVEN, [append, chmod, unlink]));

  it('C8 a file opened for writing ∥ unlink: what is written goes to the file that was opened', async () => {
    await everySchedule(async (schedule) => {
      const outcome = await playAtOnce(GIVEN, [write, unlink], schedule);
      expect(hasWhiteout(outcome)).toBe(true);
      expect(['write: 1', "write: ENOENT: no such file or directory, open '/d/f'"]).toContain(outcome.results[0]);
      expect(outcome.tree).toContain('free 244 1000');
    });
  });

  it('C8 create ∥ removal of the parent: the file with its parent, or neither', async () => {
    const given: Given = { ...GIVEN, furnish: (volume) => volume.mkdirSync('/empty') };
    const create = step('create', (fs) => fs.promises.writeFile('/empty/new', 'n'));
    const remove = step('rmdir', (fs) => fs.promises.rmdir('/empty'));
    await isSerial(given, [create, remove], ({ results, tree }) => {
      expect(results[0] === 'create: undefined').toBe(results[1] !== 'rmdir: undefined');
      expect(tree.includes('/empty/new')).toBe(tree.includes('\n/empty '));
    });
  });

  it('C8 mkdir ∥ mkdir, link ∥ unlink, symlink ∥ open with O_EXCL: one of each wins', async () => {
    const one = step('one', (fs) => fs.promises.mkdir('/d/n'));
    const other = step('other', (fs) => fs.promises.mkdir('/d/n'));
    const link = step('link', (fs) => fs.promises.link('/d/f', '/d/n'));
    const symlink = step('symlink', (fs) => fs.promises.symlink('f', '/d/n'));
    const create = step('create', (fs) => fs.promises.writeFile('/d/n', 'n', { flag: 'wx' }));
    for (const steps of [
      [one, other],
      [link, unlink],
      [symlink, create],
      [link, create, renameAway],
    ]) {
      await isSerial(GIVEN, steps);
    }
  });
});

describe('C9 two copy-ups of one file', () => {
  it('C9 append ∥ append ∥ append lose nothing, under every schedule', () => isSerial(GIVEN, [append, append, append]));

  it('C9 chmod ∥ append, utimes ∥ truncate, overwrite ∥ append', async () => {
    for (const steps of [
      [chmod, append],
      [utimes, truncate],
      [overwrite, append],
    ])
      await isSerial(GIVEN, steps);
  });

  it('C9 of two simultaneous first writers one fetches the data', async () => {
    const { lower, overlay } = makeWorld({ ...GIVEN, immutable: true });
    await overlay.fs.promises.stat('/d/f');
    const writes = [0, 1, 2].map((at) => withFile(overlay.fs, 'r+', (fd) => written(overlay.fs, fd, 'W', at)));
    await Promise.all(writes);
    expect(lower.requests.filter(({ name }) => name === 'read')).toHaveLength(1);
    expect(overlay.fs.readFileSync('/d/f', 'latin1')).toBe(`WWW${LONG.slice(3)}`);
  });

  it('C9 the first fails and the second succeeds: it waits, looks again and asks for itself', async () => {
    const { lower, overlay } = makeWorld(GIVEN);
    let reads = 0;
    lower.behave = async ({ name }, answer) => {
      await quiet();
      if (name === 'read' && ++reads === 1) throw branchError('EIO');
      return answer();
    };
    const outcomes = await Promise.allSettled([0, 1].map(() => overlay.fs.promises.appendFile('/d/f', '!')));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    lower.behave = (_request, answer) => answer();
    expect(overlay.fs.readFileSync('/d/f', 'latin1')).toBe(`${LONG}!`);
  });

  it('C9 the first fails for want of space and the second, which needs less, succeeds', async () => {
    const given: Given = { ...GIVEN, options: { limits: { bytes: 5000 } } };
    const large = step('large', (fs) => fs.promises.writeFile('/d/f', 'L'.repeat(6000)));
    const small = step('small', (fs) => fs.promises.writeFile('/d/f', 'small'));
    await isSerial(given, [large, small], ({ results }) => {
      expect(results).toEqual(['large: ENOSPC: no space left on device, write', 'small: undefined']);
    });
  });
});

describe('C10 looking during a copy-up', () => {
  for (const look of [stat, read]) {
    for (const change of [chmod, append, truncate, overwrite, renameOver]) {
      it(`C10 ${look.name} ∥ ${change.name} sees the file before or after`, () => isSerial(GIVEN, [look, change]));
    }
  }

  it('C10 open read-only ∥ copy-up: the descriptor sees the file before or after, never a part', async () => {
    const whole = [LONG, `${LONG}MORE`].map((text) => `open and read: ${text}`);
    await everySchedule(async (schedule) => {
      const { results } = await playAtOnce(GIVEN, [openAndRead, append], schedule);
      expect(whole).toContain(results[0]);
    }, 300);
  });

  it('C10 a copy ∥ a write: the copy has all of it or nothing, whichever call fetched the bytes', async () => {
    // One page, so that both ask for the same bytes of the same file.
    const page = LONG.slice(0, 4096);
    const given: Given = { files: { '/d/f': page }, before: (fs) => fs.copyFileSync('/d/f', '/d/copy') };
    const readCopy = step('read the copy', (fs) => fs.promises.readFile('/d/copy', 'latin1'));
    const writeOriginal = step('write', (fs) => withFile(fs, 'r+', (fd) => written(fs, fd, 'W', 0)));
    await everySchedule(async (schedule) => {
      const { results, tree } = await playAtOnce(given, [readCopy, writeOriginal], schedule);
      expect(results[0]).toBe(`read the copy: ${page}`);
      expect(tree).toMatch(/^\/d\/copy .* \(4096a\)$/m);
    });
  });
});

/** Makes a synchronous call at each stop of an asynchronous one: it must come to one of the two orders. */
async function interruptEverywhere(given: Given, call: Step, interruption: Step): Promise<void> {
  for (let stop = 0, reached = true; reached; stop++) {
    reached = false;
    let at = 0;
    const outcome = await playAtOnce(given, [call], {
      choose: () => 0,
      interrupt: (fs) => {
        if (at++ !== stop) return;
        reached = true;
        interruption.run(fs);
      },
    });
    if (!reached) return;
    const serial = await Promise.all([
      playInOrder(given, [call, interruption], [0, 1]),
      playInOrder(given, [call, interruption], [1, 0]),
    ]);
    const wanted = serial.map(({ results, tree }) => `${results[0]}\n${tree}`);
    expect(wanted, `${call.name} stopped ${stop}`).toContain(`${outcome.results[0]}\n${outcome.tree}`);
  }
}

describe('C11 a synchronous call in the middle of an asynchronous one', () => {
  const interruptions: readonly Step[] = [
    step('unlinkSync', (fs) => fs.unlinkSync('/d/f')),
    step('chmodSync', (fs) => fs.chmodSync('/d/f', 0)),
    step('writeFileSync', (fs) => fs.writeFileSync('/d/f', 'between')),
    step('appendFileSync', (fs) => fs.appendFileSync('/d/f', '[between]')),
    step('truncateSync', (fs) => fs.truncateSync('/d/f', 4000)),
    step('renameSync of the directory', (fs) => fs.renameSync('/d', '/moved')),
    step('removal of the directory', (fs) => {
      for (const name of fs.readdirSync('/d')) fs.unlinkSync(`/d/${name}`);
      fs.rmdirSync('/d');
    }),
    step('renameSync over', (fs) => fs.renameSync('/d/g', '/d/f')),
    step('mkdirSync in its place', (fs) => {
      fs.unlinkSync('/d/f');
      fs.mkdirSync('/d/f');
    }),
    step('symlinkSync in its place', (fs) => {
      fs.unlinkSync('/d/f');
      fs.symlinkSync('g', '/d/f');
    }),
  ];
  const calls: readonly Step[] = [
    chmod,
    unlink,
    append,
    overwrite,
    truncate,
    renameOver,
    renameAway,
    stat,
    read,
    step('copy', (fs) => fs.promises.copyFile('/d/f', '/e/copy')),
    step('link', (fs) => fs.promises.link('/d/f', '/e/link')),
    step('mkdirs', (fs) => fs.promises.mkdir('/d/n/m', { recursive: true })),
    step('readdir', (fs) => fs.promises.readdir('/d')),
  ];

  for (const interruption of interruptions) {
    it(`C11 ${interruption.name} at every stop: it completes at once, and the call sees what it did`, async () => {
      for (const call of calls) await interruptEverywhere(GIVEN, call, interruption);
    });
  }

  it('C11 what it takes from the quota the asynchronous call no longer has', async () => {
    const given: Given = { ...GIVEN, options: { limits: { bytes: 5000 } } };
    const fill = step('fill', (fs) => fs.promises.writeFile('/d/g', 'G'.repeat(3000)));
    const outcome = await playAtOnce(given, [fill], {
      choose: () => 0,
      interrupt: (fs) => fs.writeFileSync('/e/y', 'Y'.repeat(3000)),
    });
    expect(outcome.results).toEqual(['fill: ENOSPC: no space left on device, write']);
    const owner = `${process.getuid?.()}:${process.getgid?.()}`;
    expect(outcome.tree).toContain(`/d/g 100666 ${owner} 1500000000000000000 nlink 1 size 7 as /d/g another`);
  });
});

describe('C11 rights that change meanwhile', () => {
  it('C11 what the caller may no longer do when the answer comes is refused', async () => {
    const given: Given = {
      ...GIVEN,
      furnish: (volume) => {
        for (const path of ['/', '/d', '/e', '/d/f', '/d/g']) volume.chownSync(path, 7, 7);
      },
      options: { credentials: { uid: 7, gid: 7 } },
    };
    const calls: readonly Step[] = [stat, read, append, chmod, unlink, truncate, renameAway];
    const takings: readonly Step[] = [
      step('search', (fs) => fs.chmodSync('/d', 0o600)),
      step('writing', (fs) => fs.chmodSync('/d', 0o500)),
      step('the file', (fs) => fs.chmodSync('/d/f', 0)),
    ];
    for (const taking of takings) for (const call of calls) await interruptEverywhere(given, call, taking);
  });
});

describe('C12 appending', () => {
  it('C12 1,000 parallel appendFile to one lower file lose nothing', async () => {
    const { lower, overlay } = makeWorld(GIVEN);
    lower.behave = async (_request, answer) => {
      if (Math.random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      return answer();
    };
    const lines = Array.from({ length: 1000 }, (_, i) => `${i}\n`);
    await Promise.all(lines.map((line) => overlay.fs.promises.appendFile('/d/f', line)));
    lower.behave = (_request, answer) => answer();
    const text = overlay.fs.readFileSync('/d/f', 'latin1');
    expect(text.startsWith(LONG)).toBe(true);
    expect(text.slice(LONG.length).split('\n').sort()).toEqual([...lines.map((line) => line.trim()), ''].sort());
  });
});
