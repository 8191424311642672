/** The upper of an overlay that was given none: a memfs `Volume`, made when something is first written back. */

import { createRequire } from 'node:module';
import { isNativeError } from 'node:util/types';
import type { Volume } from 'memfs';
import { UPPER } from '../branch/branch.ts';
import { makeBranch } from '../branch/make-branch.ts';
import { makeUpper } from '../branch/upper/upper.ts';
import { damage } from '../writeback/area/damage.ts';
import type { ParsedUpper } from './options.ts';

/** Makes an empty volume. Throws an error that says what to do where memfs cannot be loaded. */
export function makeDefaultUpper(): ParsedUpper {
  const given = new (loadVolume())();
  const branch = makeBranch({ fs: given, id: UPPER, name: 'upper', immutable: true, layered: true });
  return { branch, upper: makeUpper(given, 'upper'), root: '/', given, as: undefined };
}

/** The class of volumes, loaded when it is first needed, since most overlays never need it. */
function loadVolume(): new () => Volume {
  try {
    return (createRequire(import.meta.url)('memfs') as { Volume: new () => Volume }).Volume;
  } catch (thrown) {
    const what = 'Without an upper, what is written goes to a memfs Volume, and memfs cannot be loaded';
    const why = isNativeError(thrown) ? thrown.message.split('\n', 1)[0] : thrown;
    throw damage(`${what}: ${why}`, 'install it beside overfs, or give an upper ("upper: new Volume()")', thrown);
  }
}
