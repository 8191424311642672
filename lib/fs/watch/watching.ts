/** The part of the front that watches. */

import type { Parts, Session } from '../session.ts';
import { watchForm } from './fs-watcher.ts';
import { watchFileForms } from './stat-watcher.ts';
import { watchEventsForm } from './watch-events.ts';

/** See the file comment. */
export function watching(session: Session): Parts {
  return {
    fs: { watch: watchForm(session), ...watchFileForms(session) },
    promises: { watch: watchEventsForm(session) },
  };
}
