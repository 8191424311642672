// N7, L10: Dir.

import nodeFs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { alike, told, toldLater } from './both.ts';

function plant(fs: FileSystem): void {
  fs.mkdirSync('tree/a/deep', { recursive: true });
  fs.mkdirSync('tree/b');
  for (const name of ['one', 'a/two', 'a/deep/three', 'b/four']) fs.writeFileSync(`tree/${name}`, '');
  fs.symlinkSync('a', 'tree/link');
}

/** The names in a Dir, in order of the alphabet: the disk has one of its own. */
async function namesIn(dir: nodeFs.Dir): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, parentPath } of dir) names.push(`${parentPath} ${name}`);
  return names.sort();
}

describe('N7 Dir', () => {
  it('and the entries show a directory that was given as bytes as these', async () => {
    await alike(async (fs) => {
      plant(fs);
      const shown: unknown[] = [];
      for (const bytes of [Buffer.from('tree'), Uint8Array.from(Buffer.from('tree'))] as Buffer[]) {
        for (const dir of [fs.opendirSync(bytes as unknown as string), await fs.promises.opendir(bytes as never)]) {
          shown.push(dir.path, (dir.path as unknown) === bytes, (await dir.read())?.parentPath);
          await dir.close();
        }
        const entries = fs.readdirSync(bytes, { withFileTypes: true });
        shown.push(entries.map(({ parentPath }) => (parentPath as unknown) === bytes));
      }
      return shown;
    });
  });

  it('gives the same names at once, by callback, by promise and by iteration', async () => {
    await alike(async (fs) => {
      plant(fs);
      const found: unknown[] = [];
      const dir = fs.opendirSync('tree');
      for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) found.push(entry.name);
      dir.closeSync();
      const other = await fs.promises.opendir('tree/');
      for (let entry = await other.read(); entry !== null; entry = await other.read()) found.push(entry.name);
      await other.close();
      const third = await new Promise<nodeFs.Dir>((resolve, reject) => {
        fs.opendir(Buffer.from('tree') as unknown as string, (error, opened) =>
          error ? reject(error) : resolve(opened),
        );
      });
      await new Promise<void>((resolve, reject) => {
        const next = (): void =>
          third.read((error, entry) => {
            if (error) reject(error);
            else if (entry === null) third.close(() => resolve());
            else {
              found.push(`${entry.name} ${entry.isDirectory()}`);
              next();
            }
          });
        next();
      });
      found.push(...(await namesIn(await fs.promises.opendir('tree'))));
      return [found.map(String).sort(), String(dir.path), dir instanceof nodeFs.Dir, dir instanceof fs.Dir];
    });
  });

  it('goes down with recursive', async () => {
    await alike(async (fs) => {
      plant(fs);
      const names = await namesIn(await fs.promises.opendir('tree', { recursive: true } as nodeFs.OpenDirOptions));
      const dir = fs.opendirSync('./tree/', { recursive: true } as nodeFs.OpenDirOptions);
      const more: string[] = [];
      for (let entry = dir.readSync(); entry !== null; entry = dir.readSync())
        more.push(`${entry.parentPath} ${entry.name}`);
      dir.closeSync();
      return [names, more.sort()];
    });
  });

  it('is closed from the moment in which a close has nothing to wait for', async () => {
    await alike(async (fs) => {
      plant(fs);
      const dir = fs.opendirSync('tree');
      const closing = dir.close();
      const found = [told(() => dir.readSync()), told(() => dir.closeSync()), await toldLater(dir.close())];
      await closing;
      const other = fs.opendirSync('tree');
      const reading = other.read();
      found.push(told(() => other.closeSync()));
      await reading;
      other.closeSync();
      return found;
    });
  });

  it('shows names in an encoding', async () => {
    await alike((fs) => {
      fs.mkdirSync('grün');
      const dir = fs.opendirSync('.', { encoding: 'hex' });
      const { name } = dir.readSync() as nodeFs.Dirent;
      dir.closeSync();
      const bytes = fs.opendirSync('.', 'buffer' as never);
      const raw = bytes.readSync()?.name;
      bytes.closeSync();
      return [name, raw];
    });
  });

  it('says that it is closed, or busy', async () => {
    await alike(async (fs) => {
      const results: string[] = [];
      const dir = fs.opendirSync('.');
      const reading = dir.read();
      results.push(
        told(() => dir.readSync()),
        told(() => dir.closeSync()),
      );
      results.push(String(await reading), String(await toldLater(dir.close())));
      results.push(
        told(() => dir.readSync()),
        told(() => dir.closeSync()),
        await toldLater(dir.close()),
      );
      results.push(told(() => dir.read(() => {})));
      results.push(await toldLater(new Promise((resolve) => dir.close(resolve))));
      results.push(await toldLater((async () => await dir.read())()));
      results.push(
        told(() => fs.opendirSync('none')),
        await toldLater(fs.promises.opendir('none')),
      );
      for (const bad of [5, null, 'x'] as unknown as (() => void)[]) {
        const other = fs.opendirSync('.');
        results.push(
          told(() => other.read(bad)),
          told(() => other.close(bad)),
        );
        other.closeSync();
      }
      results.push(
        told(() => fs.opendirSync('.', { bufferSize: 0 })),
        told(() => fs.opendirSync('.', { bufferSize: 'x' as never })),
        told(() => fs.opendirSync('.', { bufferSize: 2 ** 32 })),
      );
      results.push(told(() => fs.opendirSync('none', { bufferSize: 0 })));
      return results;
    });
  });

  it('closes at the end of an iteration, also an early one, and at await using', async () => {
    const { fs } = createOverlay({ lower: [] });
    fs.mkdirSync('/d/e', { recursive: true });
    const dir = fs.opendirSync('/d');
    for await (const entry of dir) {
      expect(entry.name).toBe('e');
      break;
    }
    expect(() => dir.readSync()).toThrow('Directory handle was closed');
    const other = fs.opendirSync('/d');
    const dispose = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');
    await (other as unknown as Record<symbol, () => Promise<void>>)[dispose]?.();
    expect(() => other.readSync()).toThrow('Directory handle was closed');
    await (other as unknown as Record<symbol, () => Promise<void>>)[dispose]?.();
  });

  it('L10 goes on with what it saw when it was opened', () => {
    const { fs } = createOverlay({ lower: [] });
    for (const name of ['/a', '/b', '/c']) fs.writeFileSync(name, '');
    const dir = fs.opendirSync('/');
    expect(dir.readSync()?.name).toBe('a');
    fs.unlinkSync('/b');
    fs.writeFileSync('/bb', '');
    expect([dir.readSync()?.name, dir.readSync()?.name, dir.readSync()]).toEqual(['b', 'c', null]);
    expect(dir.readSync()).toBeNull();
    dir.closeSync();
  });

  it('reads in the order of the requests', async () => {
    const { fs } = createOverlay({ lower: [] });
    for (const name of ['/a', '/b', '/c']) fs.writeFileSync(name, '');
    const dir = fs.opendirSync('/');
    const entries = await Promise.all([dir.read(), dir.read(), dir.read(), dir.read()]);
    expect(entries.map((entry) => entry?.name)).toEqual(['a', 'b', 'c', undefined]);
    await dir.close();
  });
});
