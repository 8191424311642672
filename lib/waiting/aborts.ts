/**
 * Waiting that a signal ends.
 *
 * Many calls may wait with one signal, which has a single listener of ours for all of them: Node warns of a leak from the eleventh on.
 */

/** Those who wait with a signal. */
interface Waiting {
  /** What to call when it is aborted. Not empty. Changed by `listen` and what that gives. */
  readonly hearers: Set<() => void>;
  /** Our listener. */
  readonly tell: () => void;
}

/** An entry lives as long as somebody waits. */
const waitingWith = new WeakMap<AbortSignal, Waiting>();

/** Calls `hear` when the signal is aborted; returns how to stop that. */
function listen(signal: AbortSignal, hear: () => void): () => void {
  let waiting = waitingWith.get(signal);
  if (waiting === undefined) {
    const hearers = new Set<() => void>();
    const tell = () => {
      waitingWith.delete(signal);
      for (const each of hearers) each();
    };
    waiting = { hearers, tell };
    waitingWith.set(signal, waiting);
    signal.addEventListener('abort', tell, { once: true });
  }
  const { hearers, tell } = waiting;
  hearers.add(hear);
  return () => {
    hearers.delete(hear);
    if (hearers.size > 0 || waitingWith.get(signal) !== waiting) return;
    waitingWith.delete(signal);
    signal.removeEventListener('abort', tell);
  };
}

/** Waits for something that may never come, or for the signal. */
export async function untilAborted(until: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  // What Node takes for a signal need not tell of its end.
  if (signal === undefined || !('addEventListener' in signal)) return until;
  if (signal.aborted) return;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = listen(signal, resolve);
  });
  try {
    await Promise.race([until, aborted]);
  } finally {
    stop();
  }
}
