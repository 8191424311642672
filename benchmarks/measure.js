/**
 * Measures one case on all peers side by side: every peer is prepared and checked first, then the rounds go from
 * peer to peer, so that a drift of the machine hits all alike. What else the machine does can only make a round slower, so the lower
 * quartile of the rounds stands for all: a quiet machine gives it twice, and a busy one as long as it is quiet now and then.
 */
import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { NODE } from './peers.js';
import { MIB } from './trees.js';

/** @typedef {typeof import('node:fs')} Fs */
/** @typedef {import('./peers.js').Peer} Peer */
/** @typedef {import('./peers.js').Opened} Opened */

/**
 * What a case does on one peer, made by its `prepare`, which throws when the peer's answer is wrong: then it is not timed.
 * `operation` is the work (`operations` asynchronous ones at a time if it is `batch`), `reset` runs untimed before each batch,
 * and `verify` throws when the timed work has left something wrong behind.
 * @typedef {object} Prepared
 * @property {(index: number) => unknown} [operation]
 * @property {(operations: number) => Promise<unknown>} [batch]
 * @property {() => void} [reset]
 * @property {() => void} [verify]
 */
/**
 * `once`: the operation can be done only once on a fresh peer, which is made for every sample.
 * `branches`: over so many lowers, not one. `upper`: overlays write back to a directory. `levels`: so many overlays lie over each other. `without`: peers on which the case has no meaning or does not end, and why.
 * @typedef {object} Case
 * @property {string} name
 * @property {import('./trees.js').Tree} tree
 * @property {boolean} [once]
 * @property {number} [branches]
 * @property {boolean} [upper]
 * @property {number} [levels]
 * @property {Record<string, string>} [without]
 * @property {(peer: Opened) => Prepared | Promise<Prepared>} prepare
 */
/**
 * How long to measure: rounds, milliseconds of warming up and of each batch; with `operations` set, that many and no clock. What can
 * be done only once on a fresh peer has `onceLeast` rounds, and more, up to `onceMost`, until `onceTime` milliseconds have passed; before
 * those it has rounds that do not count, for `onceWarmUp` milliseconds.
 * @typedef {{ rounds: number, onceLeast: number, onceMost: number, onceTime: number, onceWarmUp: number, warmUp: number, batch: number, operations?: number }} Pace
 */
/** @typedef {{ nanoseconds: number, ratio: number } | { wrong: string } | { missing: string }} Cell */
/** @typedef {{ name: string, cells: Map<string, Cell> }} Row */
/** Opens a peer over the tree of a case. @typedef {(peer: Peer, subject: Case) => Promise<Opened>} OpenPeer */

/** @type {Pace} */
export const FULL = {
  rounds: 15,
  onceLeast: 7,
  onceMost: 31,
  onceTime: 4000,
  onceWarmUp: 2500,
  warmUp: 150,
  batch: 15,
};
/** @type {Pace} */
export const SHORT = {
  rounds: 1,
  onceLeast: 1,
  onceMost: 1,
  onceTime: 0,
  onceWarmUp: 0,
  warmUp: 0,
  batch: 0,
  operations: 3,
};

/** The lower quartile: a quarter of the numbers is less, as near as can be. @param {readonly number[]} numbers */
export function lowerQuartile(numbers) {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 2] ?? Number.NaN;
}

/** One peer in the run of one case: samples are nanoseconds per operation, one per round. */
class Runner {
  /**
   * @param {Peer} peer
   * @param {Case} subject the case, loaded for this peer alone
   */
  constructor(peer, subject) {
    this.peer = peer;
    this.subject = subject;
    /** What stands in the way of a figure; set once, then the peer is left out. @type {Cell | undefined} */
    this.failure = undefined;
    /** The open peer, between `start` and `stop`. @type {Opened | undefined} */
    this.opened = undefined;
    /** What to time, between `start` and `stop`. @type {Prepared} */
    this.prepared = {};
    /** Operations in a batch; found by `warmUp`. */
    this.operations = 1;
    /** The index that the next operation is given. */
    this.next = 0;
    /** What the last operation returned: kept, so that no compiler leaves the work out. @type {unknown} */
    this.last = undefined;
    /** One per round. @type {number[]} */
    this.samples = [];
  }

  /**
   * Opens the peer and prepares the case on it.
   * @param {OpenPeer} openPeer
   */
  async start(openPeer) {
    const reason = this.peer.absent ?? this.subject.without?.[this.peer.name];
    if (reason !== undefined) {
      this.failure = { missing: reason };
      return;
    }
    await this.attempt(async () => {
      this.opened = await openPeer(this.peer, this.subject);
      this.prepared = await this.subject.prepare(this.opened);
    });
  }

  async stop() {
    const { opened } = this;
    this.opened = undefined;
    this.prepared = {};
    await this.attempt(async () => opened?.close());
  }

  /** Runs what may show that the peer is wrong. @param {() => Promise<void>} action */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.failure ??= { wrong: describe(error) };
    }
  }

  /** Runs and times a batch; returns its milliseconds. @param {number} operations */
  async time(operations) {
    const { operation, batch, reset } = this.prepared;
    reset?.();
    const first = this.next;
    this.next += operations;
    const started = performance.now();
    if (batch) await batch(operations);
    else if (operation) for (let index = 0; index < operations; index++) this.last = operation(first + index);
    return performance.now() - started;
  }

  /** @param {Pace} pace */
  async warmUp(pace) {
    this.operations = pace.operations ?? 1;
    if (pace.operations !== undefined) return;
    let spent = 0;
    for (;;) {
      const took = await this.time(this.operations);
      spent += took;
      if (spent >= pace.warmUp) {
        this.operations = Math.max(1, Math.round((this.operations * pace.batch) / Math.max(took, 0.001)));
        return;
      }
      if (took < pace.batch) this.operations *= 2;
    }
  }

  async sample() {
    const milliseconds = await this.time(this.operations);
    this.samples.push((milliseconds * 1e6) / this.operations);
  }

  async verify() {
    await this.attempt(async () => this.prepared.verify?.());
  }
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof AssertionError && error.generatedMessage) {
    return `got ${inLine(error.actual)} where it should be ${inLine(error.expected)}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}

/** @param {unknown} value */
function inLine(value) {
  if (value instanceof Error) return value.message;
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 2, maxStringLength: 40, depth: 1 });
}

/**
 * Measures one case on the given peers.
 * @param {readonly { peer: Peer, subject: Case }[]} entries the case as each peer's own copy of its module has it
 * @param {OpenPeer} openPeer
 * @param {Pace} pace
 * @returns {Promise<Row>}
 */
export async function measure(entries, openPeer, pace) {
  const runners = entries.map(({ peer, subject }) => new Runner(peer, subject));
  // The garbage of one case is not to be paid for by the next.
  globalThis.gc?.();
  if (entries[0]?.subject.once) await measureOnce(runners, openPeer, pace);
  else await measureSteady(runners, openPeer, pace);
  return { name: entries[0]?.subject.name ?? '', cells: compare(runners) };
}

/**
 * @param {readonly Runner[]} runners
 * @param {OpenPeer} openPeer
 * @param {Pace} pace
 */
async function measureSteady(runners, openPeer, pace) {
  for (const runner of runners) await runner.start(openPeer);
  for (const runner of runners) if (!runner.failure) await runner.attempt(() => runner.warmUp(pace));
  globalThis.gc?.();
  for (let round = 0; round < pace.rounds; round++) {
    for (const runner of rotated(runners, round)) if (!runner.failure) await runner.attempt(() => runner.sample());
  }
  for (const runner of runners) if (!runner.failure) await runner.verify();
  for (const runner of runners) await runner.stop();
}

/** How much memory rounds may leave behind before it is collected, in bytes. */
const MUCH = 512 * MIB;

function memoryInUse() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * One round on fresh peers.
 * @param {readonly Runner[]} runners
 * @param {number} round
 * @param {OpenPeer} openPeer
 */
async function roundOnce(runners, round, openPeer) {
  for (const runner of rotated(runners, round)) {
    if (runner.failure) continue;
    await runner.start(openPeer);
    if (!runner.failure) await runner.attempt(() => runner.sample());
    if (!runner.failure) await runner.verify();
    await runner.stop();
  }
}

/**
 * The files are cold in each round, the code is not: as long as it warms up the rounds do not count, and of several the first never does.
 * @param {readonly Runner[]} runners
 * @param {OpenPeer} openPeer
 * @param {Pace} pace
 */
async function measureOnce(runners, openPeer, pace) {
  const before = memoryInUse();
  let started = performance.now();
  const elapsed = () => performance.now() - started;
  let round = 0;
  const next = async () => {
    // Nor is the garbage of a peer that has held whole files to be paid for by others. Where there is little it is left alone: with the
    // last object of a shape goes the code that V8 has compiled for it, and then each round would be as slow as the first.
    if (memoryInUse() > before + MUCH) globalThis.gc?.();
    await roundOnce(runners, round++, openPeer);
  };
  if (pace.onceMost > 1)
    do await next();
    while (elapsed() < pace.onceWarmUp);
  for (const runner of runners) runner.samples.length = 0;
  started = performance.now();
  for (let counted = 0; counted < pace.onceLeast || (counted < pace.onceMost && elapsed() < pace.onceTime); counted++) {
    await next();
  }
}

/**
 * The runners beginning with another one at each round.
 * @param {readonly Runner[]} runners
 * @param {number} round
 */
function rotated(runners, round) {
  const start = round % runners.length;
  return [...runners.slice(start), ...runners.slice(0, start)];
}

/** @param {readonly Runner[]} runners @returns {Map<string, Cell>} */
function compare(runners) {
  const base = runners.find((runner) => runner.peer.name === NODE)?.samples ?? [];
  return new Map(
    runners.map(({ peer, failure, samples }) => {
      if (failure) return [peer.name, failure];
      const nanoseconds = lowerQuartile(samples);
      return [peer.name, { nanoseconds, ratio: nanoseconds / lowerQuartile(base) }];
    }),
  );
}
