// How watching begins, and in whose context it tells: as on the real filesystem.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { expectSame, OVERLAYS, runOn } from '../transcript.ts';

const FILES = { 'd/a': 'a', file: 'content' };

describe('watching begins', () => {
  it('N8 with the first next(): what is changed right behind it is told', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const events = fs.promises.watch(`${root}/d`)[Symbol.asyncIterator]();
      const first = events.next();
      fs.writeFileSync(`${root}/d/new`, '');
      log(await first);
      const second = events.next();
      await fs.promises.unlink(`${root}/d/a`);
      log(await second);
      log(await events.return?.());
    }, FILES);
  });

  it('N8 likewise of a file that goes at once, and of all below a directory', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const file = fs.promises.watch(`${root}/file`)[Symbol.asyncIterator]();
      const gone = file.next();
      fs.unlinkSync(`${root}/file`);
      log(await gone);
      await file.return?.();
      const all = fs.promises.watch(root, { recursive: true })[Symbol.asyncIterator]();
      const made = all.next();
      fs.writeFileSync(`${root}/d/new`, '');
      log(await made);
      await all.return?.();
    }, FILES);
  });

  it('N8 where a branch has only promises, with its answer', async () => {
    const below = createOverlay({ lower: [] });
    below.fs.mkdirSync('/d');
    const { fs } = createOverlay({ lower: { promises: below.fs.promises } });
    const events = fs.promises.watch('/d')[Symbol.asyncIterator]();
    const first = events.next();
    await wait(20);
    await fs.promises.writeFile('/d/new', '');
    expect((await first).value?.filename).toBe('new');
    await events.return?.();
  });

  // Not compared with Node, which looks for the first time in another thread, before the change or after it.
  it.each(OVERLAYS.map((ground) => [ground.name, ground] as const))(
    'N7 of watchFile with the call: it compares with what the file was then, %s',
    async (_, ground) => {
      const told = await runOn(
        ground,
        async ({ fs, root, log }) => {
          const sizes: unknown[] = [];
          fs.watchFile(`${root}/file`, { interval: 5 }, (now, before) => sizes.push(now.size, before.size));
          await fs.promises.writeFile(`${root}/file`, 'more content');
          for (let turns = 0; sizes.length < 2 && turns < 400; turns++) await wait(5);
          log(sizes);
          fs.unwatchFile(`${root}/file`);
        },
        FILES,
      );
      expect(told).toEqual(['[ 12, 7 ]']);
    },
  );

  it('N7 of a file that comes again watchFile tells what it was when it went', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const told: string[] = [];
      const heard = async (last: string) => {
        for (let turns = 0; !told.at(-1)?.startsWith(last) && turns < 400; turns++) await wait(5);
      };
      fs.watchFile(`${root}/file`, { interval: 5 }, (now, before) => told.push(`${now.size} was ${before.size}`));
      // Node looks at the file for the first time when it gets round to it: only a change that it tells shows that it has.
      for (let size = 20; told.length === 0 && size < 400; size++) {
        fs.writeFileSync(`${root}/file`, 'x'.repeat(size));
        await wait(5);
      }
      fs.writeFileSync(`${root}/file`, 'seven b');
      await heard('7 was');
      told.length = 0;
      fs.unlinkSync(`${root}/file`);
      await heard('0 was');
      // In one step, so that it is never seen empty.
      fs.writeFileSync(`${root}/other`, 'x');
      fs.renameSync(`${root}/other`, `${root}/file`);
      await heard('1 was');
      log(told);
      fs.unwatchFile(`${root}/file`);
    }, FILES);
  });

  it('N1 promises.watch refuses options that are no object', async () => {
    await expectSame(async ({ fs, root, ending }) => {
      for (const options of ['utf8', null, 5] as unknown as object[]) {
        const events = fs.promises.watch(`${root}/d`, options)[Symbol.asyncIterator]();
        await ending(String(options), events.next());
      }
    }, FILES);
  });

  it("N2 the errors have the properties of Node's in their order", async () => {
    await expectSame(async ({ fs, root, log }) => {
      for (const path of [`${root}/missing`, `${root}/file/x`, '']) {
        try {
          fs.watch(path).close();
        } catch (error) {
          log(error, Object.keys(error as object).join());
        }
      }
    }, FILES);
  });
});

describe('N8 the name that a watcher has for what it watches', () => {
  it.each(['d', 'd/', 'd//', 'd/.', 'd/../d', 'file', './file'])('ends the path %s as it was given', async (given) => {
    await expectSame(async ({ fs, root, log }) => {
      const heard = await new Promise((resolve) => {
        const watcher = fs.watch(`${root}/${given}`, (event, name) => {
          watcher.close();
          resolve([event, name]);
        });
        fs.chmodSync(`${root}/${given}`, 0o700);
      });
      log(heard);
    }, FILES);
  });
});

describe('N1 a recursive watcher', () => {
  it('refuses bytes as Node does, which resolves its path as text', async () => {
    await expectSame(async ({ fs, root, log, ending }) => {
      for (const bytes of [Buffer.from(root), new Uint8Array(Buffer.from(root)) as Buffer]) {
        try {
          fs.watch(bytes, { recursive: true }).close();
          log('taken');
        } catch (error) {
          log(String(error));
        }
        const signal = AbortSignal.timeout(50);
        const events = fs.promises.watch(bytes, { recursive: true, signal })[Symbol.asyncIterator]();
        await ending('later', events.next());
      }
    }, FILES);
  });
});

describe('N8 the names of a recursive watcher', () => {
  it('are text, whatever is asked for', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const heard = await new Promise((resolve) => {
        const watcher = fs.watch(`${root}/d`, { recursive: true, encoding: 'buffer' }, (_event, name) => {
          watcher.close();
          resolve(name);
        });
        setTimeout(() => fs.writeFileSync(`${root}/d/new`, ''), 10);
      });
      log(heard);
    }, FILES);
  });
});

describe('listeners', () => {
  it('N6 are called in the context of the watcher, not of the code that makes the change', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const context = new AsyncLocalStorage<string>();
      const heard = await context.run('who watches', async () => {
        const event = new Promise((resolve) => {
          const watcher = fs.watch(`${root}/d`, () => {
            watcher.close();
            resolve(context.getStore());
          });
        });
        const change = new Promise((resolve) => {
          fs.watchFile(`${root}/file`, { interval: 5 }, () => {
            fs.unwatchFile(`${root}/file`);
            resolve(context.getStore());
          });
        });
        let isHeard = false;
        const both = Promise.all([event, change]).finally(() => {
          isHeard = true;
        });
        // Again and again: what is changed before the first look of watchFile, it takes for what has always been there.
        for (let turn = 0; !isHeard; turn++) {
          context.run('who changes', () => {
            fs.writeFileSync(`${root}/d/new`, `${turn}`);
            fs.writeFileSync(`${root}/file`, `new ${turn}`);
          });
          await wait(10);
        }
        return both;
      });
      log(heard);
    }, FILES);
  });
});
