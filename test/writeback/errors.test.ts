import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type OverlayOptions } from '../../lib/index.ts';
import { bytesTold } from './rig.ts';

/** An upper whose writes of content fail while `isBroken`. */
function breakable(): {
  upper: NonNullable<OverlayOptions['upper']>;
  volume: Volume;
  break(code: string): void;
  mend(): void;
} {
  const volume = new Volume();
  let code: string | undefined;
  const upper = new Proxy(volume, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== 'writeSync') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: Parameters<Volume['writeSync']>) => {
        if (code !== undefined && args[1]?.toString().startsWith('content')) {
          throw Object.assign(new Error('broken'), { code });
        }
        return target.writeSync(...args);
      };
    },
  });
  return {
    upper,
    volume,
    break: (given) => {
      code = given;
    },
    mend: () => {
      code = undefined;
    },
  };
}

describe('failed write-back', () => {
  it('W4 is reported once to every descriptor that was open, at fsync or close, and to one later opener if none heard', () => {
    const { upper, break: breakIt } = breakable();
    const { fs } = createOverlay({ lower: [], upper });
    fs.writeFileSync('/f', 'content');
    const [one, two] = [fs.openSync('/f', 'r+'), fs.openSync('/f', 'r+')];
    breakIt('EIO');
    expect(() => fs.fsyncSync(one)).toThrow('EIO: i/o error, fsync');
    const heardAlready = fs.openSync('/f', 'r+');
    expect(() => fs.closeSync(two)).toThrow('EIO: i/o error, close');
    expect(() => fs.closeSync(two)).toThrow('EBADF');
    fs.closeSync(heardAlready);
    fs.closeSync(one);
  });

  it('W4 is told by the close of a file that is written piece by piece', async () => {
    const { upper, break: breakIt, mend } = breakable();
    const overlay = createOverlay({ lower: [], upper });
    const { promises } = overlay.fs;
    async function* pieces() {
      yield 'content';
      breakIt('EIO');
      await expect(overlay.sync()).rejects.toThrow(AggregateError);
      mend();
      yield ' and more';
    }
    const failed = { message: 'EIO: i/o error, close', code: 'EIO', syscall: 'close' };
    await expect(promises.writeFile('/f', pieces())).rejects.toMatchObject(failed);
    expect(await promises.readFile('/f', 'utf8')).toBe('content and more');
    await promises.writeFile('/f', ['again']);
  });

  it('W4 is told to a later opener where what closes the file has something else to say', async () => {
    const { upper, break: breakIt, mend } = breakable();
    const overlay = createOverlay({ lower: [], upper, limits: { bytes: 20_000 } });
    const { fs } = overlay;
    const closed = () => fs.closeSync(fs.openSync('/f', 'r+'));
    const abort = new AbortController();
    const fail = async () => {
      breakIt('EIO');
      await expect(overlay.sync()).rejects.toThrow(AggregateError);
      mend();
    };
    async function* pieces() {
      yield 'content';
      await fail();
      abort.abort();
      yield ' and more';
    }
    await expect(fs.promises.writeFile('/f', pieces(), { signal: abort.signal })).rejects.toThrow('aborted');
    expect(closed).toThrow('EIO: i/o error, close');
    closed();
    await fail();
    expect(() => fs.appendFileSync('/f', Buffer.alloc(50_000), { flush: true })).toThrow('ENOSPC');
    expect(closed).toThrow('EIO: i/o error, close');
    closed();
  });

  it('W4 a later opener hears what none has heard', () => {
    const { upper, break: breakIt } = breakable();
    const overlay = createOverlay({ lower: [], upper });
    const { fs } = overlay;
    fs.writeFileSync('/f', 'content');
    breakIt('ENOSPC');
    expect(() => overlay.syncSync()).toThrow(AggregateError);
    const later = fs.openSync('/f', 'r+');
    const latest = fs.openSync('/f', 'r+');
    expect(() => fs.closeSync(later)).toThrow('ENOSPC: no space left on device, close');
    expect(() => fs.closeSync(latest)).toThrow('ENOSPC');
    fs.closeSync(fs.openSync('/f', 'r+'));
  });

  it.each(['the file', 'everything'])(
    'W4 is told where what was staged of %s cannot be removed either',
    async (what) => {
      const overlay = createOverlay({ lower: [], upper: new Volume() });
      const { fs } = overlay;
      for (const path of ['/f', '/g']) fs.writeFileSync(path, path);
      const fds = ['/f', '/g'].map((path) => fs.openSync(path, 'r+'));
      const told: string[] = [];
      overlay.on('writeback-error', ({ path, code }) => told.push(`${code} ${path}`));
      overlay.on('command', (command) => {
        const isIt = what === 'everything' || bytesTold(command)?.toString() === '/g';
        if (isIt || command.kind === 'unlink') throw Object.assign(new Error('broken'), { code: 'EROFS' });
      });
      await expect(overlay.sync()).rejects.toThrow('EROFS');
      expect(told.sort()).toEqual(['EROFS /f', 'EROFS /g']);
      overlay.removeAllListeners();
      for (const fd of fds) expect(() => fs.fsyncSync(fd)).toThrow('EROFS');
      for (const fd of fds) fs.closeSync(fd);
      overlay.close();
    },
  );

  it('W4 W5 is reported to a file that cannot get its new name, since the file that was to get the old one has failed', () => {
    const { upper, volume, break: breakIt, mend } = breakable();
    const overlay = createOverlay({ lower: [], upper });
    const { fs } = overlay;
    fs.writeFileSync('/a', 'first');
    overlay.syncSync();
    const fd = fs.openSync('/a', 'r+');
    fs.renameSync('/a', '/b');
    fs.writeFileSync('/a', 'content of another');
    const told: string[] = [];
    overlay.on('writeback-error', ({ path, code }) => told.push(`${code} ${path}`));
    breakIt('EIO');
    expect(() => fs.fsyncSync(fd)).toThrow('EIO: i/o error, fsync');
    expect(told.sort()).toEqual(['EIO /a', 'EIO /b']);
    expect(volume.readFileSync('/a', 'utf8')).toBe('first');
    mend();
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    expect(volume.readFileSync('/b', 'utf8')).toBe('first');
    expect(volume.readFileSync('/a', 'utf8')).toBe('content of another');
  });

  it.each(['sync', 'syncSync'] as const)(
    'W4 is told of what a lower does not tell, so that nothing can be done, by %s',
    async (form) => {
      const volume = Volume.fromJSON({ '/dir/inner/file': 'text' });
      let isBroken = false;
      const lower = new Proxy(volume, {
        get(target, key) {
          const value = Reflect.get(target, key);
          if (key !== 'readdirSync') return typeof value === 'function' ? value.bind(target) : value;
          return (...args: Parameters<Volume['readdirSync']>) => {
            if (isBroken) throw Object.assign(new Error('broken'), { code: 'EIO' });
            return target.readdirSync(...args);
          };
        },
      });
      const overlay = createOverlay({ lower, upper: new Volume() });
      const { fs } = overlay;
      fs.writeFileSync('/new', 'text');
      fs.renameSync('/dir', '/moved');
      const fd = fs.openSync('/new', 'r+');
      const told: string[] = [];
      overlay.on('writeback-error', ({ path, code, discarded }) => told.push(`${code} ${path} ${discarded}`));
      isBroken = true;
      await expect((async () => overlay[form]())()).rejects.toThrow('EIO: i/o error, sync');
      expect(told).toContain('EIO /new false');
      isBroken = false;
      expect(() => fs.fsyncSync(fd)).toThrow('EIO: i/o error, fsync');
      fs.closeSync(fd);
      overlay.close();
    },
  );

  it('W4 is told of names that could not be removed, by their directory', async () => {
    const volume = new Volume();
    const overlay = createOverlay({ lower: [], upper: volume });
    const { fs } = overlay;
    fs.mkdirSync('/dir');
    fs.writeFileSync('/dir/file', 'text');
    overlay.syncSync();
    const told: string[] = [];
    overlay.on('writeback-error', ({ path, code }) => told.push(`${code} ${path}`));
    overlay.on('command', () => {
      throw Object.assign(new Error('broken'), { code: 'EROFS' });
    });
    fs.unlinkSync('/dir/file');
    await expect(overlay.sync()).rejects.toThrow('EROFS');
    expect(told).toEqual(['EROFS /dir']);
    overlay.removeAllListeners();
    overlay.close();
    expect(volume.readdirSync('/dir')).toEqual([]);
  });

  it('W4 is reported to all descriptors, even if a listener throws', async () => {
    const { upper, break: breakIt, mend } = breakable();
    const overlay = createOverlay({ lower: [], upper });
    const { fs } = overlay;
    const fds = ['/f', '/g', '/h'].map((path) => {
      fs.writeFileSync(path, 'content');
      return fs.openSync(path, 'r+');
    });
    overlay.once('writeback-error', () => {
      throw new Error('thrown by who listens');
    });
    breakIt('EIO');
    await expect(overlay.sync()).rejects.toThrow('thrown by who listens');
    mend();
    await overlay.sync();
    for (const fd of fds) expect(() => fs.closeSync(fd)).toThrow('EIO: i/o error, close');
  });

  it('W2 W5 what could not be written stays dirty and readable, and arrives when the upper can take it', async () => {
    const { upper, volume, break: breakIt, mend } = breakable();
    const overlay = createOverlay({ lower: [], upper });
    const { fs } = overlay;
    const told: string[] = [];
    overlay.on('writeback-error', ({ path, code }) => told.push(`${code} ${path}`));
    fs.writeFileSync('/f', 'content of f');
    fs.writeFileSync('/fine', 'other');
    breakIt('EIO');
    const failure = await overlay.sync().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AggregateError);
    expect((failure as AggregateError).errors.map(({ message }) => message)).toEqual(["EIO: i/o error, sync '/f'"]);
    expect(told).toEqual(['EIO /f']);
    expect(fs.readFileSync('/f', 'utf8')).toBe('content of f');
    expect(volume.readdirSync('/').sort()).toEqual(['.overfs', 'fine']);
    mend();
    await overlay.sync();
    expect(volume.readFileSync('/f', 'utf8')).toBe('content of f');
    expect(volume.readdirSync('/.overfs/stage')).toEqual([]);
  });
});
