// What becomes of set-ID bits, and of files of others, when a file changes (N5; Linux `file_remove_privs`,
// `setattr_prepare`).

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

const { O_CREAT, O_RDWR, O_TRUNC } = nodeFs.constants;

/** A file of somebody else that everybody may write, in a directory that everybody may write; and the fs of user 1000. */
function stand(mode: number, gid = 2000) {
  const overlay = createOverlay({ lower: [], umask: 0, credentials: { uid: 0, gid: 0 } });
  const { fs } = overlay;
  fs.chmodSync('/', 0o777);
  fs.writeFileSync('/f', 'content');
  fs.chownSync('/f', 2000, gid);
  fs.chmodSync('/f', mode);
  const modeNow = () => (fs.statSync('/f').mode & 0o7777).toString(8);
  return { fs, user: overlay.as({ uid: 1000, gid: 1000, groups: [3000] }), modeNow };
}

describe('set-ID bits', () => {
  const changes: Record<string, (fs: typeof nodeFs) => void> = {
    writeFile: (fs) => fs.writeFileSync('/f', 'new'),
    appendFile: (fs) => fs.appendFileSync('/f', 'more'),
    truncate: (fs) => fs.truncateSync('/f', 3),
    'open with O_TRUNC': (fs) => fs.closeSync(fs.openSync('/f', O_RDWR | O_TRUNC)),
    ftruncate: (fs) => {
      const fd = fs.openSync('/f', 'r+');
      fs.ftruncateSync(fd, 1);
      fs.closeSync(fd);
    },
    write: (fs) => {
      const fd = fs.openSync('/f', 'r+');
      fs.writeSync(fd, 'x');
      fs.closeSync(fd);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`N5 go when anybody but root changes the content: ${name}`, () => {
      const executable = stand(0o6777);
      change(executable.user);
      expect(executable.modeNow()).toBe('777');
      const foreign = stand(0o2666);
      change(foreign.user);
      expect(foreign.modeNow()).toBe('666');
      const inGroup = stand(0o2666, 3000);
      change(inGroup.user);
      expect(inGroup.modeNow()).toBe('2666');
      const byRoot = stand(0o6777);
      change(byRoot.fs);
      expect(byRoot.modeNow()).toBe('6777');
    });
  }

  it('N5 stay where another user asks for a change of owner that changes nothing', () => {
    const { user, modeNow } = stand(0o4755);
    expect(() => user.chownSync('/f', -1, -1)).toThrow('EPERM: operation not permitted, chown');
    expect(modeNow()).toBe('4755');
    const plain = stand(0o755);
    plain.user.chownSync('/f', -1, -1);
    expect(plain.modeNow()).toBe('755');
  });

  it('N5 are not had by making a file in a directory that hands on a group one is not in', () => {
    const { fs, user } = stand(0o666);
    fs.mkdirSync('/handing');
    fs.chownSync('/handing', 2000, 2000);
    fs.chmodSync('/handing', 0o2777);
    user.closeSync(user.openSync('/handing/executable', O_CREAT | O_RDWR, 0o2755));
    user.closeSync(user.openSync('/handing/locked', O_CREAT | O_RDWR, 0o2644));
    const shown = (name: string) =>
      `${(fs.statSync(`/handing/${name}`).mode & 0o7777).toString(8)} ${fs.statSync(`/handing/${name}`).gid}`;
    expect([shown('executable'), shown('locked')]).toEqual(['755 2000', '2644 2000']);
  });

  it('N5 are not had either where the umask takes the right to execute', () => {
    const overlay = createOverlay({ lower: [], umask: 0o077, credentials: { uid: 0, gid: 0 } });
    const { fs } = overlay;
    fs.mkdirSync('/handing');
    fs.chownSync('/handing', 2000, 2000);
    fs.chmodSync('/handing', 0o2777);
    fs.chmodSync('/', 0o755);
    const user = overlay.as({ uid: 1000, gid: 1000 });
    const fds = [
      user.openSync('/handing/named', O_CREAT | O_RDWR, 0o2770),
      user.openSync('/handing', user.constants.O_TMPFILE | O_RDWR, 0o2770),
    ];
    expect(fds.map((fd) => (user.fstatSync(fd).mode & 0o7777).toString(8))).toEqual(['700', '700']);
  });
});

describe('copyFile', () => {
  it('N5 gives another user’s file neither a mode nor any bytes', () => {
    const { fs, user, modeNow } = stand(0o666);
    user.writeFileSync('/mine', 'mine', { mode: 0o4777 });
    expect(() => user.copyFileSync('/mine', '/f')).toThrow('EPERM: operation not permitted, copyfile');
    expect([fs.readFileSync('/f', 'utf8'), modeNow()]).toEqual(['content', '666']);
  });

  it('N5 keeps the owner, where the running Node does and the caller may', () => {
    const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-owner-'));
    const { fs, user } = stand(0o666, 3000);
    fs.writeFileSync('/mine', 'mine');
    fs.chownSync('/mine', 1000, 3000);
    user.copyFileSync('/mine', '/copy');
    user.copyFileSync('/f', '/copy-of-theirs');
    fs.copyFileSync('/f', '/by-root');
    nodeFs.writeFileSync(`${directory}/f`, '');
    try {
      if (process.getuid?.() === 0) nodeFs.chownSync(`${directory}/f`, 1000, 3000);
      nodeFs.copyFileSync(`${directory}/f`, `${directory}/g`);
      const { uid, gid } = nodeFs.statSync(`${directory}/g`);
      const keeps =
        process.getuid?.() === 0 ? uid === 1000 && gid === 3000 : Number(process.versions.node.split('.')[0]) >= 22;
      const owner = (name: string) => `${fs.statSync(name).uid}:${fs.statSync(name).gid}`;
      expect(owner('/copy')).toBe(keeps ? '1000:3000' : '1000:1000');
      expect(owner('/copy-of-theirs')).toBe('1000:1000');
      expect(owner('/by-root')).toBe(keeps ? '2000:3000' : '0:0');
    } finally {
      nodeFs.rmSync(directory, { recursive: true });
    }
  });

  it('N5 of bytes takes the set-ID bits from the copy, unless root makes it', () => {
    const { fs, user } = stand(0o666);
    user.writeFileSync('/tool', '#!');
    user.chmodSync('/tool', 0o6755);
    user.copyFileSync('/tool', '/copy');
    fs.copyFileSync('/tool', '/by-root');
    expect(user.statSync('/copy').mode & 0o7777).toBe(0o755);
    expect(user.statSync('/by-root').mode & 0o7777).toBe(0o6755);
  });
});

describe('rename', () => {
  it('N5 of a directory that may not be written comes before what is in the target', () => {
    const { fs, user } = stand(0o666);
    fs.mkdirSync('/theirs', { mode: 0o755 });
    fs.mkdirSync('/open/target/full', { recursive: true });
    for (const path of ['/open', '/open/target']) fs.chmodSync(path, 0o777);
    expect(() => user.renameSync('/theirs', '/open/target')).toThrow('EACCES: permission denied, rename');
    fs.chmodSync('/theirs', 0o777);
    expect(() => user.renameSync('/theirs', '/open/target')).toThrow('ENOTEMPTY');
  });
});
