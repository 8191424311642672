/** The collector of the running process, for tests of what is held in memory. */

import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');

/** Collects all that nobody holds. What is told of it (`FinalizationRegistry`) is told in a later turn. */
export const collect = vm.runInNewContext('gc') as () => void;
