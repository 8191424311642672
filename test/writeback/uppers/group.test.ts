// An upper whose root hands down its group: what the overlay shows of a file is what the upper has of it all the same.

import nodeFs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';

const newTop = useDirectories();
const GROUP = 4321;
const isRoot = process.getuid?.() === 0;

/** Mode and group of each path, asked of an fs below a directory. */
function shownOf(fs: typeof nodeFs, top: string, names: readonly string[]): string[] {
  return names.map((name) => {
    const { mode, gid } = fs.lstatSync(path.join(top, name));
    return `${name} ${mode.toString(8)} ${gid}`;
  });
}

it.runIf(isRoot)('C5 W8 gives each file its own group, where the root of the upper has the set-group-ID bit', () => {
  const upper = newTop();
  nodeFs.chownSync(upper, 0, GROUP);
  nodeFs.chmodSync(upper, 0o2775);
  const overlay = createOverlay({ lower: [], upper, writeback: 'manual' });
  const { fs } = overlay;
  fs.mkdirSync('/handed-down');
  fs.mkdirSync('/own');
  fs.chmodSync('/own', 0o755);
  fs.chownSync('/own', 0, 0);
  for (const name of ['/own/small', '/handed-down/small', '/at-root']) fs.writeFileSync(name, 'small');
  fs.writeFileSync('/own/large', Buffer.alloc(1_000_000, 'large'));
  fs.symlinkSync('small', '/own/link');
  fs.mkdirSync('/own/inner');
  const names = [
    '/handed-down',
    '/handed-down/small',
    '/at-root',
    '/own',
    '/own/small',
    '/own/large',
    '/own/link',
    '/own/inner',
  ];
  const shown = shownOf(fs, '/', names);
  expect(shown).toContain('/own/small 100644 0');
  expect(shown).toContain(`/at-root 100644 ${GROUP}`);
  overlay.syncSync();
  expect(shownOf(nodeFs, upper, names)).toEqual(shown);
  overlay.close();
  const again = createOverlay({ lower: [], upper });
  expect(shownOf(again.fs, '/', names)).toEqual(shown);
  again.close();
});
