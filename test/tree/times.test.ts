import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

describe('times of change', () => {
  it('ctime does not go back within the millisecond of a lower with a finer clock', () => {
    const now = 1_700_000_000_000;
    let fraction = 0.75;
    const { fs } = createOverlay({ lower: [], clock: () => now + fraction });
    fs.writeFileSync('/f', 'x');
    fraction = 0;
    fs.chmodSync('/f', 0o600);
    expect(fs.statSync('/f').ctimeMs).toBe(now + 0.75);
    fs.appendFileSync('/f', 'y');
    expect(fs.statSync('/f')).toMatchObject({ ctimeMs: now + 0.75, mtimeMs: now });
    fraction = 1;
    fs.chmodSync('/f', 0o644);
    expect(fs.statSync('/f').ctimeMs).toBe(now + 1);
  });
});
