/**
 * The differential harness itself: the real filesystem agrees with itself, and a filesystem with one thing wrong does
 * not agree with it.
 */

import nodeFs from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FORMS } from '../grounds/face.ts';
import { type Ground, realGround } from '../grounds/ground.ts';
import { anyCommand, command } from './commands.ts';
import { agree, agreeAtRandom } from './sequence.ts';

/** The real filesystem with some functions replaced. */
function faulty(name: string, faults: Partial<typeof nodeFs>): Ground {
  return {
    ...realGround,
    name,
    stand: (given, rights) => ({ ...realGround.stand(given, rights), fs: { ...nodeFs, ...faults } }),
  };
}

const effort = { runs: 40, steps: 40, commands: command };

describe('the differential harness', () => {
  afterEach(() => vi.unstubAllEnvs());

  for (const form of FORMS) {
    it(`the real fs agrees with itself, ${form}`, () => agreeAtRandom(realGround, form, effort));
  }

  it('the real fs agrees with itself when anonymous files get names', () =>
    agreeAtRandom(realGround, 'sync', { runs: 10, steps: 40, commands: anyCommand }));

  const faults: Readonly<Record<string, Partial<typeof nodeFs>>> = {
    'unlink does nothing': { unlinkSync: () => {} },
    'rename copies': { renameSync: (from, to) => nodeFs.copyFileSync(from, to) },
    'link copies': { linkSync: (from, to) => nodeFs.copyFileSync(from, to) },
    'chmod does nothing': { chmodSync: () => {} },
    'a write leaves an old time': {
      writeFileSync: ((path: string, ...rest: [string]) => {
        nodeFs.writeFileSync(path, ...rest);
        nodeFs.utimesSync(path, 1, 1);
      }) as typeof nodeFs.writeFileSync,
    },
  };
  for (const [name, fault] of Object.entries(faults)) {
    it(`finds that ${name}`, async () => {
      // However few runs are asked of the others: to find it takes some.
      vi.stubEnv('OVERFS_RUNS', undefined);
      const found = agreeAtRandom(faulty(name, fault), 'sync', { ...effort, runs: 3000 });
      await expect(found).rejects.toThrow(/seed -?\d+/);
    });
  }

  it('finds a wrong error message', async () => {
    const ground = faulty('wrong words', {
      rmdirSync: () => {
        throw Object.assign(new Error('ENOENT: no such file, rmdir'), { code: 'ENOENT', errno: -2, syscall: 'rmdir' });
      },
    });
    await expect(agree(ground, 'sync', {}, [{ call: 'rmdir', args: ['@/a'] }])).rejects.toThrow();
    await agree(realGround, 'sync', {}, [{ call: 'rmdir', args: ['@/a'] }]);
  });
});
