/** Every scenario on the real filesystem, in all three forms: the oracle that says that the scenarios are right. */

import { realGround, testOn } from './ground.ts';
import { themes } from './themes.ts';

testOn(realGround, themes);
