/** Random calls of several users on a few files, and what comes of them. */

import type { Dice } from '../../dice.ts';
import type { FileSystem } from '../rig.ts';

export const FILES = ['/a', '/b', '/src/f3', '/big', '/src/f0', '/src/f2'];

export type Call = (fs: FileSystem) => void;

/** What a call may be made of. */
interface Ingredients {
  readonly bytes: Uint8Array | string;
  readonly at: number;
  /** Writes the bytes there, in a file that is there. */
  write(fs: FileSystem, file: string): void;
  /** Calls that only one of the tests makes. */
  more?(file: string, other: string): readonly Call[];
}

export function callOf(dice: Dice, { bytes, at, write, more }: Ingredients): Call {
  const [file, other] = [dice.pick(FILES), dice.pick(FILES)];
  const writing: Call = (fs) => write(fs, file);
  return dice.pick([
    writing,
    writing,
    writing,
    (fs) => fs.writeFileSync(file, bytes),
    (fs) => fs.appendFileSync(file, bytes),
    (fs) => fs.truncateSync(file, at),
    (fs) => fs.renameSync(file, other),
    ...(more?.(file, other) ?? []),
  ]);
}

/** The code of what a call throws; undefined where it throws nothing. */
export function codeOf(call: Call, fs: FileSystem): string | undefined {
  try {
    call(fs);
    return undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}
