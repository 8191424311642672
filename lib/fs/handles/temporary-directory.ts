/**
 * `mkdtempDisposable`, where the running Node has it: a temporary directory that goes away when it is disposed of.
 */

import path from 'node:path';
import type { FileSystem, Parts, Session } from '../session.ts';

type Prefix = Parameters<FileSystem['mkdtempSync']>[0];
type Options = Parameters<FileSystem['mkdtempSync']>[1];

/** Removing what is gone already is no error, nor is removing twice. */
const REMOVAL = { recursive: true, force: true } as const;

/** The part of the front that makes temporary directories. */
export function temporaryDirectories(session: Session, fs: FileSystem): Parts {
  return {
    fs: {
      mkdtempDisposableSync(prefix: Prefix, options: Options) {
        const made = fs.mkdtempSync(prefix, options);
        // The working directory may be another one by then.
        const whole = path.resolve(session.cwd(), made);
        const remove = (): void => fs.rmSync(whole, REMOVAL);
        return {
          path: made,
          remove,
          [Symbol.dispose]() {
            remove();
          },
        };
      },
    },
    promises: {
      async mkdtempDisposable(prefix: Prefix, options: Options) {
        const directory = session.cwd();
        const made = await fs.promises.mkdtemp(prefix, options);
        const whole = path.resolve(directory, made);
        const remove = (): Promise<void> => fs.promises.rm(whole, REMOVAL);
        return {
          __proto__: null,
          path: made,
          remove,
          async [Symbol.asyncDispose]() {
            await remove();
          },
        };
      },
    },
  };
}
