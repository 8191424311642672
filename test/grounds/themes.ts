/** All scenarios, by theme. */

import type { Scenario } from './scenario.ts';
import * as attributes from './scenarios/attributes.ts';
import * as copying from './scenarios/copying.ts';
import * as data from './scenarios/data.ts';
import * as descriptors from './scenarios/descriptors.ts';
import * as directories from './scenarios/directories.ts';
import * as files from './scenarios/files.ts';
import * as links from './scenarios/links.ts';
import * as opening from './scenarios/opening.ts';
import * as paths from './scenarios/paths.ts';
import * as permissions from './scenarios/permissions.ts';
import * as removing from './scenarios/removing.ts';
import * as renaming from './scenarios/renaming.ts';

export const themes: Readonly<Record<string, readonly Scenario[]>> = {
  ...attributes,
  ...copying,
  ...data,
  ...descriptors,
  ...directories,
  ...files,
  ...links,
  ...opening,
  ...paths,
  ...permissions,
  ...removing,
  ...renaming,
};
