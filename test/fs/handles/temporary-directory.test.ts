// N1: mkdtempDisposable, where the running Node has it.

import nodeFs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { describeError, expectSame } from '../transcript.ts';

interface Directory extends Disposable {
  readonly path: string;
  remove(): void;
}
interface LaterDirectory extends AsyncDisposable {
  readonly path: string;
  remove(): Promise<void>;
}
interface Makers {
  mkdtempDisposableSync(prefix: unknown, options?: unknown): Directory;
  readonly promises: { mkdtempDisposable(prefix: unknown, options?: unknown): Promise<LaterDirectory> };
}

const HAS_IT = 'mkdtempDisposableSync' in nodeFs;

function makersOf(fs: FileSystem): Makers {
  return fs as unknown as Makers;
}

/** An error, without what was added to the prefix: Node shows now this, now X. */
function describeTemporary(error: unknown): string {
  return describeError(error).replaceAll(/-\w{6}(?=[')])/g, '-');
}

describe('N1 mkdtempDisposable', () => {
  it('is where Node has it', () => {
    const { fs } = createOverlay();
    expect('mkdtempDisposableSync' in fs).toBe(HAS_IT);
    expect('mkdtempDisposable' in fs.promises).toBe('mkdtempDisposable' in nodeFs.promises);
  });

  if (!HAS_IT) return;

  it('makes a directory that goes away with all that is in it', () =>
    expectSame(async ({ fs, root, log }) => {
      const made = makersOf(fs).mkdtempDisposableSync(`${root}/made-`);
      log(path.basename(made.path).length, Object.keys(made), Object.getPrototypeOf(made) === Object.prototype);
      fs.mkdirSync(`${made.path}/a/b`, { recursive: true });
      fs.writeFileSync(`${made.path}/a/b/file`, 'x');
      made[Symbol.dispose]();
      log(fs.existsSync(made.path), made.remove());
      const later = await makersOf(fs).promises.mkdtempDisposable(`${root}/made-`, 'utf8');
      log(path.basename(later.path).length, Object.keys(later), Object.getPrototypeOf(later));
      fs.writeFileSync(`${later.path}/file`, 'x');
      log(await later[Symbol.asyncDispose](), fs.existsSync(later.path), await later.remove());
    }));

  it('fails as Node does', () =>
    expectSame(async ({ fs, root, log }) => {
      for (const [prefix, options] of [[5], ['a\0b'], [`${root}/x`, 'bogus'], [`${root}/none/x-`]] as unknown[][]) {
        try {
          makersOf(fs).mkdtempDisposableSync(prefix, options);
        } catch (error) {
          log(describeTemporary(error));
        }
        await makersOf(fs)
          .promises.mkdtempDisposable(prefix, options)
          .catch((error: unknown) => log('later', describeTemporary(error)));
      }
    }));
});
