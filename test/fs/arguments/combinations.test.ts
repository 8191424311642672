// N1, N4, N6: what a random search over combinations of arguments has found: everything here once differed from the
// real fs.

import nodeFs from 'node:fs';
import { describe, it } from 'vitest';
import { expectSame, type Stage } from '../transcript.ts';

const FILES = { file: 'content', 'dir/a': 'a' };

/** What Node takes for a signal, though it has no methods. */
const WAITING = { aborted: false } as AbortSignal;

/** An error with its own fields, in their order. */
function outlined(error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${error}`;
  // V8 puts `message` and `stack` now here, now there.
  const fields = Object.getOwnPropertyNames(error).filter((name) => name !== 'message' && name !== 'stack');
  const info = 'info' in error ? Object.keys(error.info as object) : [];
  return [error.constructor.name === 'AbortError', fields, info, String(error)].join(' | ');
}

/** Writes down how a call ends. */
async function ending({ log }: Stage, label: string, call: () => unknown): Promise<void> {
  try {
    log(label, await call());
  } catch (error) {
    log(label, outlined(error));
  }
}

describe('N1 combinations of arguments', () => {
  it('N4: a signal need not have methods', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      await ending(stage, 'read', () => fs.promises.readFile(`${root}/file`, { encoding: 'utf8', signal: WAITING }));
      await ending(stage, 'write', () => fs.promises.writeFile(`${root}/new`, 'one', { signal: WAITING }));
      await ending(stage, 'pieces', () =>
        fs.promises.appendFile(`${root}/new`, ['two'] as never, { signal: WAITING } as object),
      );
      const called = new Promise((resolve) => fs.writeFile(`${root}/other`, 'x', { signal: WAITING }, resolve));
      await ending(stage, 'called back', () => called);
      const handle = await fs.promises.open(`${root}/file`);
      await ending(stage, 'handle', () => handle.readFile({ encoding: 'utf8', signal: WAITING }));
      await handle.close();
      stage.log(fs.readFileSync(`${root}/new`, 'utf8'), fs.readFileSync(`${root}/other`, 'utf8'));
    }, FILES);
  });

  it('N4: pieces are written with options that are not plainly right', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      await ending(stage, 'encoding', () =>
        fs.promises.writeFile(`${root}/new`, ['6162'], { encoding: 'HEX' as 'hex' }),
      );
      const mode = '0644';
      await ending(stage, 'all', () => fs.promises.writeFile(`${root}/new`, ['x'], { mode, signal: WAITING }));
      stage.log(fs.readFileSync(`${root}/new`, 'utf8'));
    }, FILES);
  });

  it('N6: what is aborted before it begins calls back at once', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const signal = AbortSignal.abort('why');
      const hear = (name: string) => {
        let when = 'at once';
        queueMicrotask(() => {
          when = 'later';
        });
        return (error: unknown) => log(name, when, outlined(error), (error as Error).cause);
      };
      fs.readFile(`${root}/file`, { signal }, hear('readFile'));
      fs.readFile(`${root}/missing`, { signal }, hear('readFile of nothing'));
      fs.writeFile(`${root}/file`, 'x', { signal }, hear('writeFile'));
      fs.appendFile(`${root}/file`, 'x', { signal } as object, hear('appendFile'));
      log(fs.readFileSync(`${root}/file`, 'utf8'));
      await new Promise(setImmediate);
    }, FILES);
  });

  it('N2: refusals of cp and rm have their fields in order', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const bytes = Uint8Array.from(Buffer.from(`${root}/dir`));
      await ending(stage, 'rm', () => fs.promises.rm(`${root}/dir`));
      await ending(stage, 'rmSync', () => fs.rmSync(`${root}/dir`));
      await ending(stage, 'cp', () => fs.promises.cp(`${root}/dir`, `${root}/new`));
      await ending(stage, 'cpSync', () => fs.cpSync(`${root}/dir`, `${root}/new`));
      await ending(stage, 'cp of bytes', () => fs.promises.cp(bytes as never, `${root}/new`));
      let path: unknown;
      await fs.promises.rm(bytes as Buffer).catch((error) => {
        path = error.info.path;
      });
      stage.log(path instanceof Uint8Array, Buffer.isBuffer(path));
    }, FILES);
  });

  it('N4: cp and rm do not count what their options inherit', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const inherited = Object.create({ recursive: true, force: true });
      await ending(stage, 'rm', () => fs.promises.rm(`${root}/dir`, inherited));
      await ending(stage, 'rmSync', () => fs.rmSync(`${root}/missing`, inherited));
      await ending(stage, 'cp', () => fs.promises.cp(`${root}/dir`, `${root}/new`, inherited));
      await ending(stage, 'bytes', () => fs.promises.cp(`${root}/file`, `${root}/new`, Buffer.alloc(2) as object));
      await ending(stage, 'a list', () => fs.promises.cp(`${root}/file`, `${root}/new2`, [] as object));
      stage.log(fs.readdirSync(root));
    }, FILES);
  });

  it('N1: holes among buffers are refused', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      // biome-ignore lint/suspicious/noSparseArray: that is what it is about
      const holes = [Buffer.from('a'), , Buffer.from('b')] as Buffer[];
      const fd = fs.openSync(`${root}/file`, 'r+');
      await ending(stage, 'readvSync', () => fs.readvSync(fd, holes));
      await ending(stage, 'writevSync', () => fs.writevSync(fd, holes));
      await ending(stage, 'writev', () => fs.writev(fd, holes, () => {}));
      fs.closeSync(fd);
      const handle = await fs.promises.open(`${root}/file`, 'r+');
      await ending(stage, 'handle.writev', () => handle.writev(holes));
      await handle.close();
    }, FILES);
  });

  it('N4: reading into no room at all succeeds where reading is allowed', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const room = [Buffer.alloc(0), Buffer.alloc(0)];
      for (const [name, flags] of [
        ['dir', 'r'],
        ['file', 'r'],
        ['file', 'a'],
      ] as const) {
        const fd = fs.openSync(`${root}/${name}`, flags);
        await ending(stage, `${name} ${flags}`, () => fs.readvSync(fd, room));
        fs.closeSync(fd);
      }
    }, FILES);
  });

  it('N1: options of a write are not taken out of options', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const handle = await fs.promises.open(`${root}/file`, 'r+');
      const options = { offset: { offset: 1 }, position: 2 } as never;
      await ending(stage, 'write', () => handle.write(Buffer.from('xyz'), options));
      await ending(stage, 'null', async () => {
        const { bytesWritten } = await handle.write(Buffer.from('xyz'), { offset: null } as never);
        return bytesWritten;
      });
      await handle.close();
      stage.log(fs.readFileSync(`${root}/file`, 'utf8'));
    }, FILES);
  });

  it('N1: the callback of read and write is the last function', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const fd = fs.openSync(`${root}/file`, 'r+');
      const loose = fs as unknown as Record<'read' | 'write', (...args: unknown[]) => void>;
      const wrong = () => stage.log('not this one');
      await ending(
        stage,
        'write',
        () => new Promise((done) => loose.write(fd, 'ab', 1, wrong, (...all: unknown[]) => done(all))),
      );
      await ending(
        stage,
        'read',
        () => new Promise((done) => loose.read(fd, { buffer: Buffer.alloc(2) }, wrong, done)),
      );
      fs.closeSync(fd);
    }, FILES);
  });

  it.runIf('rmdirSync' in nodeFs && Number.parseInt(process.versions.node, 10) < 26)(
    'N4: promises.rmdir with recursive follows a link, and removes that',
    async () => {
      await expectSame(async (stage) => {
        const { fs, root } = stage;
        fs.symlinkSync('dir', `${root}/link`);
        const options = { recursive: true } as object;
        await ending(stage, 'nothing', () => fs.promises.rmdir(`${root}/missing`, options));
        await ending(stage, 'sync', () => fs.rmdirSync(`${root}/link`, options));
        await ending(stage, 'link', () => fs.promises.rmdir(`${root}/link`, options));
        stage.log(fs.readdirSync(root));
      }, FILES);
    },
  );

  it('N2: a time that is none is refused once the file is found', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const none = new Date(Number.NaN);
      await ending(stage, 'nothing', () => fs.utimesSync(`${root}/missing`, none, 0));
      await ending(stage, 'link', () => fs.promises.lutimes(`${root}/missing`, none, 0));
      await ending(stage, 'file', () => fs.utimesSync(`${root}/file`, none, 0));
    }, FILES);
  });

  it('N2: what cannot be opened to be made is not read', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const flag = nodeFs.constants.O_CREAT as unknown as string;
      await ending(stage, 'promise', () => fs.promises.readFile(`${root}/dir`, { flag }));
      await ending(stage, 'sync', () => fs.readFileSync(`${root}/dir`, { flag }));
    }, FILES);
  });

  it('N4: a file opened to neither read nor write gives neither', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const neither = 3;
      const fd = fs.openSync(`${root}/file`, neither);
      await ending(stage, 'read', () => fs.readSync(fd, Buffer.alloc(1)));
      await ending(stage, 'ftruncate', () => fs.ftruncateSync(fd, 1));
      await ending(stage, 'size', () => fs.fstatSync(fd).size);
      await ending(stage, 'write', () => fs.promises.writeFile(`${root}/file`, 'x', { flag: neither as never }));
      fs.closeSync(fd);
      await ending(stage, 'directory', () => fs.openSync(`${root}/dir`, neither));
      await ending(stage, 'whole', () => fs.readFileSync(`${root}/file`, { flag: neither as never }));
    }, FILES);
  });

  it('N2: a watch that cannot be begun tells the path as it was looked at', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const told = async (label: string, path: string | Buffer) => {
        await ending(stage, label, () => {
          try {
            fs.watch(path).close();
          } catch (error) {
            const { filename } = error as { filename?: unknown };
            stage.log(label, typeof filename, String(filename));
            // libuv's fields come in another order.
            const { code, message } = error as NodeJS.ErrnoException;
            throw Object.assign(new Error(message), { code, hasPath: 'path' in (error as Error) });
          }
        });
      };
      await told('text', `${root}/missing`);
      await told('bytes', Buffer.from(`${root}/missing`));
      await told('nothing', '');
      fs.watch(`${root}/dir/../dir`, { recursive: true }).close();
    }, FILES);
  });

  it('N4: opendir does not count what its options inherit', async () => {
    await expectSame(async ({ fs, root, log }) => {
      fs.mkdirSync(`${root}/dir/sub`);
      fs.writeFileSync(`${root}/dir/sub/b`, '');
      const names: string[] = [];
      for await (const { name } of fs.opendirSync(`${root}/dir`, Object.create({ recursive: true }))) names.push(name);
      log(names.sort());
    }, FILES);
  });

  it('N4: a function that gives a buffer for readFile must give one, where there is such an option', async () => {
    await expectSame(async (stage) => {
      const { fs, root } = stage;
      const wrong = { buffer: () => 5 } as object;
      await ending(stage, 'sync', () => fs.readFileSync(`${root}/file`, wrong).toString());
      await ending(stage, 'promise', async () => (await fs.promises.readFile(`${root}/file`, wrong)).toString());
    }, FILES);
  });

  it('N6: cp calls back with two arguments', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const called = (from: string): Promise<unknown[]> =>
        new Promise((resolve) => fs.cp(`${root}/${from}`, `${root}/new`, (...all: unknown[]) => resolve(all)));
      log(await called('file'));
      log((await called('missing')).length);
    }, FILES);
  });
});
