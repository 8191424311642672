// N4: the times that utimes, futimes and lutimes set: as the running Node does, to the digit.

import type nodeFs from 'node:fs';
import { describe, it } from 'vitest';
import { alike, told, toldLater } from './both.ts';

const TIMES: readonly (string | number | Date)[] = [
  ...[0, 1, 1.5, 0.1, 1.234567, 2.345678, 1234567890.123456, 1e9 + 0.123456789, 1e9 + 0.999999999, 4e9 + 0.3],
  ...['7', '1.25', '-0.5', '-1.75', '-86400.000001', '', ' 5 ', '0x10', '1e3'],
  ...[new Date(1234.567), new Date(-1500), new Date('2020-01-02T03:04:05.678Z'), new Date(8.64e12)],
  ...['1e300', '-1e300', new Date(Number.NaN)],
];

describe('N4 times', () => {
  it.each(TIMES)('%o', async (time) => {
    await alike((fs) => {
      fs.writeFileSync('file', '');
      fs.symlinkSync('file', 'link');
      const shown = (stats: nodeFs.BigIntStats): string => `${stats.atimeNs} ${stats.mtimeNs}`;
      const results: string[] = [];
      const set = (atime: typeof time, mtime: typeof time): void => {
        const fd = fs.openSync('file', 'r+');
        results.push(
          told(() => fs.futimesSync(fd, atime, mtime)),
          shown(fs.fstatSync(fd, { bigint: true })),
        );
        fs.closeSync(fd);
        results.push(
          told(() => fs.utimesSync('file', mtime, atime)),
          shown(fs.statSync('file', { bigint: true })),
        );
        results.push(
          told(() => fs.lutimesSync('link', atime, mtime)),
          shown(fs.lstatSync('link', { bigint: true })),
        );
      };
      set(3, 4);
      set(time, 5);
      set(6, time);
      return results;
    });
  });

  it.each(['Infinity', '-Infinity', '1e999'])('%o means now, where libuv knows that word', async (time) => {
    await alike(async (fs) => {
      fs.writeFileSync('file', '');
      const results: unknown[] = [];
      const isRecent = (then: number): boolean => then > Date.UTC(2001);
      for (const [atime, mtime] of [
        [time, 5],
        [6, time],
      ] as const) {
        fs.utimesSync('file', 1, 1);
        const handle = await fs.promises.open('file', 'r+');
        results.push(await toldLater(handle.utimes(atime, mtime)));
        await handle.close();
        results.push(told(() => fs.utimesSync('file', atime, mtime)));
        const { atimeMs, mtimeMs } = fs.statSync('file');
        results.push(isRecent(atimeMs), isRecent(mtimeMs));
      }
      return results;
    });
  });
});
