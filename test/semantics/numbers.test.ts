// Every numbered statement that is implemented appears in the name of a test: so a test can be found for each, and none
// is forgotten.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const TESTS = path.resolve(import.meta.dirname, '..');

function numbered(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, i) => `${letter}${i + 1}`);
}

const IMPLEMENTED = [
  ...numbered('L', 13),
  ...numbered('C', 12),
  ...numbered('T', 4),
  ...numbered('P', 8),
  ...numbered('W', 14),
  ...numbered('N', 8),
];

/** The names of tests and scenarios in a source: what is the first argument of `it`, `describe` or `scenario`. */
const NAMES = /\b(?:it|describe|scenario)(?:\.[\w]+\([^)]*\))?\(\s*(['"`])(.*?)\1/gs;

function namesIn(source: string): string[] {
  return [...source.matchAll(NAMES)].map((match) => match[2] ?? '');
}

it('each implemented statement has a test that carries its number', () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const names = files.flatMap((file) => namesIn(readFileSync(path.join(TESTS, file), 'utf8')));
  const shown = new Set(names.flatMap((name) => name.match(/\b[LCTPWN]\d+\b/g) ?? []));
  expect(IMPLEMENTED.filter((number) => !shown.has(number))).toEqual([]);
});

it('numbers are found in the names of tests, and only there', () => {
  const source = `
    // L1 in a comment
    describe('C7 one', () => {
      it(\`C2 two\`, () => expect('L9').toBe('P4'));
      it.runIf(linux)('T3 named', () => {});
      scenario('L4 made', {}, run);
    });`;
  expect(namesIn(source)).toEqual(['C7 one', 'C2 two', 'T3 named', 'L4 made']);
});
