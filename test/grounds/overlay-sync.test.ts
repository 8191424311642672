/** Every scenario through the synchronous functions of an overlay, with its tree lying in the layers in every arrangement. */

import { testOn } from './ground.ts';
import { overlayGrounds } from './overlays.ts';
import { themes } from './themes.ts';

for (const ground of overlayGrounds) testOn({ ...ground, forms: ['sync'] }, themes);
