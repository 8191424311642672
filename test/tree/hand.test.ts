// The hand that goes round over a tree: it sees every name of a round, also where it rests on the way.

import { expect, it } from 'vitest';
import { Hand } from '../../lib/tree/cache/hand.ts';
import { Directory, File } from '../../lib/tree/inode.ts';

const OWNER = { uid: 0, gid: 0 };

/** `{ name: { ... } }` is a directory, `{ name: undefined }` a file. */
interface Shape {
  readonly [name: string]: Shape | undefined;
}

function build(shape: Shape, parent?: Directory, name = ''): Directory {
  const directory = new Directory(1, 0o40755, OWNER);
  directory.parent = parent ?? directory;
  directory.name = name;
  for (const [inner, below] of Object.entries(shape)) {
    directory.names.set(inner, below === undefined ? new File(2, 0o100644, OWNER) : build(below, directory, inner));
  }
  return directory;
}

const SHAPE = { a: undefined, b: { c: undefined, d: { e: undefined }, f: undefined }, g: {}, h: undefined };
const ROUND = ['a', 'c', 'e', 'd', 'f', 'b', 'g', 'h'];

it.each([1, 2, 3, 100])(
  'sees each name once in a round, directories after what is in them, resting after every %i',
  (often) => {
    const root = build(SHAPE);
    const hand = new Hand();
    for (let round = 0; round < 3; round++) {
      const seen: string[] = [];
      for (let link = hand.next(root); link !== undefined; link = hand.next(root)) {
        seen.push(link.name);
        if (seen.length % often === 0) hand.rest();
        if (seen.length % often === 0) hand.rest();
      }
      expect(seen).toEqual(ROUND);
    }
  },
);

it('sees all that is there to the end, where names go and come while it rests', () => {
  const root = build({});
  for (let i = 0; i < 100; i++) root.names.set(`old${i}`, new File(2, 0o100644, OWNER));
  const hand = new Hand();
  for (let i = 0; i < 50; i++) expect(hand.next(root)?.name).toBe(`old${i}`);
  hand.rest();
  root.names.delete('old50');
  root.names.delete('old70');
  root.names.set('new', new File(2, 0o100644, OWNER));
  const seen = new Set<string>();
  for (let link = hand.next(root); link !== undefined; link = hand.next(root)) seen.add(link.name);
  for (let i = 51; i < 100; i++) expect(seen.has(`old${i}`)).toBe(i !== 70);
  expect(seen.has('new')).toBe(true);
});
