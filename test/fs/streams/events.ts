/** What streams do, in words. */

import type { EventEmitter } from 'node:events';
import { describeError } from '../transcript.ts';

const NAMES = ['open', 'ready', 'data', 'end', 'error', 'drain', 'finish', 'pipe', 'close'];

function describe(name: string, value: unknown): string {
  if (value instanceof Error) return `${name} ${describeError(value)}`;
  if (typeof value === 'string' || Buffer.isBuffer(value)) return `${name} ${value.length}`;
  return name;
}

/** The events of a stream, written down as they come. That of data is not listened for before somebody else does. */
export function eventsOf(stream: EventEmitter): string[] {
  const events: string[] = [];
  const emit = stream.emit;
  stream.emit = function (this: EventEmitter, name: string, ...values: unknown[]): boolean {
    if (NAMES.includes(name)) events.push(describe(name, values[0]));
    return Reflect.apply(emit, this, [name, ...values]) as boolean;
  };
  return events;
}
