/**
 * Staging small contents. A new file whose bytes are all in memory, and which gets its owner and mode as it is made,
 * takes one command. Several such commands go together, so that an asynchronous upper works on many at once.
 *
 * If such a command is refused for the moment ("not now"), or because of the others, its content is staged by itself,
 * step by step. A command that is sent again begins from its first step, and would never end where every second step is
 * told "not now".
 */

import type { Attributes } from '../../branch/branch.ts';
import { StillOpen } from '../../branch/upper/not-now.ts';
import type { NewFile } from '../../branch/upper/upper.ts';
import { EBADF, Errno } from '../../errno.ts';
import type { Memory } from '../../pages/memory.ts';
import { bytesOf } from '../../pages/page.ts';
import { File } from '../../tree/inode.ts';
import { quietly, removeFile } from '../area/files.ts';
import { type Procedure, tell, tellTogether } from '../commands.ts';
import type { Content } from '../plan/content.ts';
import type { Reach } from '../report.ts';
import { stageContent } from './stage.ts';
import type { Writer } from './writer.ts';

/** How many contents go together, and how many bytes, at most. */
const MOST = 32;
const MOST_BYTES = 1024 * 1024;

/** Whether a content takes only one command. `umask` are the permission bits that new files do not get. */
function isSmall(content: Content, umask: number, writer: Writer, pageSize: number) {
  const { inode, kind, attributes, size, pages, claims } = content;
  const { mode, uid, gid } = attributes;
  const { can } = writer;
  // Other authors must write their own bytes (W13).
  if (claims.length > 0) return false;
  if (kind !== 'whole' || !(inode instanceof File) || mode === undefined || size > MOST_BYTES) return false;
  if (!can.setTimes || (can.chown && (uid !== writer.uid || gid !== writer.gid))) return false;
  if (can.chmod && (mode & 0o777 & ~umask) !== mode) return false;
  // It must be opened once more to be flushed, which takes more steps if its owner may not read it (`insistent.ts`).
  if ((mode & 0o400) === 0) return false;
  const isAll = pages.every(({ index, twin: { length } }, at) => {
    return index === at && length === Math.min(pageSize, size - at * pageSize);
  });
  return isAll && pages.length === Math.ceil(size / pageSize);
}

/** Contents that are staged at the same time: small ones together, any other by itself. */
export interface Group {
  readonly contents: readonly Content[];
  readonly how: 'together' | 'by itself';
}

/** Puts contents into groups. */
export function* groupsOf(memory: Memory, contents: Iterable<Content>, writer: Writer): Iterable<Group> {
  const umask = writer.umask();
  let group: Content[] = [];
  let bytes = 0;
  for (const content of contents) {
    if (!isSmall(content, umask, writer, memory.pageSize)) {
      yield { contents: [content], how: 'by itself' };
      continue;
    }
    if (group.length === MOST || bytes + content.size > MOST_BYTES) {
      yield { contents: group, how: 'together' };
      group = [];
      bytes = 0;
    }
    group.push(content);
    bytes += content.size;
  }
  if (group.length > 0) yield { contents: group, how: 'together' };
}

/** Writes a group to the staging directory; answers which of its contents could not be written, and why. */
export function* stageGroup(
  memory: Memory,
  { contents, how }: Group,
  staging: string,
  writer: Writer,
  reach: Reach,
): Procedure<ReadonlyMap<Content, Errno>> {
  const failed = new Map<Content, Errno>();
  const commands = how === 'together' ? contents.map((content) => putFor(content, staging, reach)) : [];
  const ends = how === 'together' ? yield* tellTogether(commands) : [];
  for (const [index, content] of contents.entries()) {
    const [command, end] = [commands[index], ends[index]];
    try {
      if (end !== undefined && 'answer' in end) {
        content.staged = end.answer as Attributes | undefined;
        continue;
      }
      if (end !== undefined && !BY_ITSELF.has(end.errno.code)) throw end.errno;
      if (command !== undefined && end?.errno instanceof StillOpen) {
        // It may have been closed when it said "not now".
        yield* quietly(EBADF, tell({ kind: 'close', path: command.path, handle: end.errno.handle }));
      }
      // The command may not have been able to remove what it had begun.
      if (command !== undefined) yield* removeFile(command.path, 'none');
      yield* stageContent(memory, content, staging, writer, reach);
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
      failed.set(content, thrown);
    }
  }
  return failed;
}

type Put = { readonly kind: 'put'; readonly path: string } & NewFile;

function putFor({ stage, attributes, pages }: Content, staging: string, reach: Reach): Put {
  const { mode = 0, atime, mtime } = attributes;
  const pieces = pages.map(({ twin }) => bytesOf(twin));
  const isFlushed = reach === 'storage';
  return { kind: 'put', path: `${staging}/${stage}`, mode: mode & 0o777, pieces, atime, mtime, isFlushed };
}

/** Failures of a command whose content may be staged by itself: "not now" (W3), and too many open files. */
const BY_ITSELF: ReadonlySet<string> = new Set(['EAGAIN', 'EBUSY', 'EMFILE', 'ENFILE']);
