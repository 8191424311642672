/**
 * Counts the steps that something takes, so that growth can be told from size without a clock: what Maps, Sets and arrays are asked, and how
 * many entries each pass over one of them may visit.
 */

type Method = (this: { readonly size?: number; readonly length?: number }, ...given: unknown[]) => unknown;

/** Methods that take one step. */
const SINGLE: readonly [object, readonly PropertyKey[]][] = [
  [Map.prototype, ['get', 'set', 'has', 'delete']],
  [Set.prototype, ['add', 'has', 'delete']],
  [Array.prototype, ['push', 'pop']],
];

/** Methods that may visit every entry. */
const PASSING: readonly [object, readonly PropertyKey[]][] = [
  [Map.prototype, [Symbol.iterator, 'entries', 'keys', 'values', 'forEach']],
  [Set.prototype, [Symbol.iterator, 'values', 'keys', 'forEach']],
  [
    Array.prototype,
    [
      ...[Symbol.iterator, 'entries', 'map', 'filter', 'flatMap', 'find', 'findIndex', 'findLast', 'some', 'every'],
      ...['includes', 'indexOf', 'lastIndexOf', 'slice', 'splice', 'sort', 'join', 'fill', 'reverse'],
    ],
  ],
];

/** Replaces methods by ones that count; returns how to put them back. */
function countCalls(count: (steps: number) => void): () => void {
  const ends: (() => void)[] = [];
  const replace = (prototype: object, key: PropertyKey, stepsOf: (size: number) => number) => {
    const before = Object.getOwnPropertyDescriptor(prototype, key);
    const method = before?.value as Method;
    const value: Method = function (...given) {
      count(stepsOf(this.size ?? this.length ?? 0));
      return method.apply(this, given);
    };
    Object.defineProperty(prototype, key, { ...before, value });
    ends.push(() => Object.defineProperty(prototype, key, before ?? {}));
  };
  for (const [prototype, keys] of SINGLE) for (const key of keys) replace(prototype, key, () => 1);
  for (const [prototype, keys] of PASSING) for (const key of keys) replace(prototype, key, (size) => size + 1);
  return () => {
    for (const end of ends) end();
  };
}

/** How many steps something takes. */
async function stepsOf(act: () => unknown): Promise<number> {
  let steps = 0;
  const end = countCalls((more) => {
    steps += more;
  });
  try {
    await act();
  } finally {
    end();
  }
  return steps;
}

/** By how much the steps for so many things grow where there are four times as many: about 4 where each costs the same, 16 where each costs all. */
export async function growth(things: number, prepare: (things: number) => () => unknown): Promise<number> {
  const few = await stepsOf(prepare(things));
  return (await stepsOf(prepare(4 * things))) / few;
}
