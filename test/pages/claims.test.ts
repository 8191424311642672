// Who wrote which bytes of a file: intervals, against a model that has an author for each byte.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Author } from '../../lib/branch/upper/acting.ts';
import { Authors } from '../../lib/pages/authors.ts';
import { type Claim, Claims } from '../../lib/pages/claims.ts';
import { truncateContents } from '../../lib/pages/contents.ts';
import { Memory } from '../../lib/pages/memory.ts';

const [A, B, C]: readonly Author[] = [1, 2, 3].map((uid) => ({ uid, gid: uid, groups: [] }));
const [a, b, c] = [A, B, C] as [Author, Author, Author];

function told(claims: readonly Claim[]): string {
  return claims.map(({ from, to, author }) => `${from}-${to}:${author.uid}`).join(' ');
}

describe('W13: claims', () => {
  it('of one author join where they touch', () => {
    const claims = new Claims();
    claims.add(10, 20, a);
    claims.add(20, 30, a);
    claims.add(0, 10, a);
    expect(told(claims.all)).toBe('0-30:1');
    claims.add(5, 6, a);
    expect(told(claims.all)).toBe('0-30:1');
  });

  it('of others leave what is not written over', () => {
    const claims = new Claims();
    claims.add(0, 30, a);
    claims.add(10, 20, b);
    expect(told(claims.all)).toBe('0-10:1 10-20:2 20-30:1');
    claims.add(5, 25, c);
    expect(told(claims.all)).toBe('0-5:1 5-25:3 25-30:1');
  });

  it('are released in parts, and told within bounds', () => {
    const claims = new Claims();
    claims.add(0, 30, a);
    claims.add(30, 40, b);
    claims.release(10, 35);
    expect(told(claims.all)).toBe('0-10:1 35-40:2');
    expect(told(claims.within(5, 36))).toBe('5-10:1 35-36:2');
    expect(told(claims.within(10, 35))).toBe('');
    claims.release(0, 40);
    expect(claims.isEmpty).toBe(true);
  });

  it('are those of a model that has an author for each byte', () => {
    const size = 60;
    const range = fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).map(([x, y]) => [Math.min(x, y), Math.max(x, y) + 1]);
    const step = fc.tuple(fc.constantFrom('add', 'release', 'within'), range, fc.constantFrom(a, b, c));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const claims = new Claims();
        const model = new Array<Author | undefined>(size).fill(undefined);
        for (const [what, [from = 0, to = 0], author] of steps) {
          if (what === 'add') {
            claims.add(from, to, author);
            model.fill(author, from, to);
          } else if (what === 'release') {
            claims.release(from, to);
            model.fill(undefined, from, to);
          } else {
            expect(told(claims.within(from, to))).toBe(told(runsOf(model, from, to)));
          }
          expect(told(claims.all)).toBe(told(runsOf(model, 0, size)));
        }
      }),
    );
  });
});

function runsOf(model: readonly (Author | undefined)[], from: number, to: number): Claim[] {
  const runs: { from: number; to: number; author: Author }[] = [];
  for (let at = from; at < to; at++) {
    const author = model[at];
    const last = runs.at(-1);
    if (author === undefined) continue;
    if (last?.author === author && last.to === at) last.to++;
    else runs.push({ from: at, to: at + 1, author });
  }
  return runs;
}

describe('W13: authors', () => {
  it('are one object for each credential, whatever the order of its groups', () => {
    const authors = new Authors(a);
    const one = authors.of(7, 8, [3, 1, 3]);
    expect(one).toEqual({ uid: 7, gid: 8, groups: [1, 3] });
    expect(authors.of(7, 8, [1, 3])).toBe(one);
    expect(authors.of(7, 8, [1])).not.toBe(one);
  });

  it('lose what is cut off', () => {
    const memory = new Memory(4096, {}, 0);
    memory.authors = new Authors(a);
    const file = { size: 100, supplied: 0, pages: undefined };
    memory.authors.claim(file, 0, 60, b);
    memory.authors.claim(file, 60, 100, c);
    truncateContents(memory, file, 70);
    expect(told(memory.authors.claimsOn(file))).toBe('0-60:2 60-70:3');
    expect(memory.authors.hasOthers(file, 0, 60, b)).toBe(false);
    expect(memory.authors.hasOthers(file, 0, 61, b)).toBe(true);
    truncateContents(memory, file, 0);
    expect(told(memory.authors.claimsOn(file))).toBe('');
  });
});
