/**
 * Waiting until a signal is aborted.
 *
 * Many calls may wait on one signal. All of them share a single listener, since Node warns of a leak from the eleventh
 * listener on.
 */

/** The calls that wait on one signal. */
interface Waiting {
  /** What to call when it is aborted. Not empty. Changed by `listen` and the function that it returns. */
  readonly hearers: Set<() => void>;
  /** Our listener. */
  readonly tell: () => void;
}

/** An entry lives as long as a call waits on the signal. */
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

/** Waits for `until`, which may never settle, or for the signal. */
export async function untilAborted(until: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  // Node takes any object with `aborted` for a signal; it need not send events.
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
