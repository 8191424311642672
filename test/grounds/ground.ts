/**
 * A ground is a place where scenarios run: the real filesystem (the oracle), or an overlay with the declared tree
 * lying in its layers in some arrangement. This file has what grounds share and the real one.
 */

import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'vitest';
import { actAs } from '../act-as.ts';
import { type FileSystem, type Form, faceOf } from './face.ts';
import type { Caller, Scenario } from './scenario.ts';
import { flatten, makeTree, type Owner, type Tree } from './tree.ts';

/** Whose rights a scenario's calls have, and who owns what it declares. */
export interface Rights {
  readonly owner: Owner;
  readonly caller: Owner;
}

/** A declared tree in its place, ready for one run. */
export interface Stage {
  readonly fs: FileSystem;
  /** Where the declared tree stands: `base` and NEST. */
  readonly root: string;
  /** What the paths of this stage begin with and those of others do not; may be empty. */
  readonly base: string;
  /** Where relative paths start. */
  readonly start: string;
  /** Gives the anonymous file behind a descriptor a name. */
  readonly linkNameless?: (fd: number, path: string) => void;
  /** Runs the scenario's calls with the rights asked for, where the filesystem takes them from the process. */
  readonly within?: (run: () => Promise<void>) => Promise<void>;
  /** Throws when something changed that the scenario could not have changed (L1). */
  readonly verify: () => void;
  /** Gives everything back. */
  readonly leave: () => void;
}

export interface Ground {
  readonly name: string;
  readonly forms: readonly Form[];
  /** Whether the ground can give a scenario the rights it asks for. */
  readonly serves: (scenario: Scenario) => boolean;
  readonly stand: (given: Tree, rights: Rights | undefined) => Stage;
}

/** Deep enough that no `..` in a scenario or a random command leads out of a scratch directory. */
export const NEST = '/w/x/ground';

export const ROOT = process.getuid?.() === 0;

/** A new directory of its own; `clear` removes it. */
export function scratch(): string {
  return nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
}

/** Removes a scratch directory, whatever modes its directories were given. */
export function clear(directory: string): void {
  if (!ROOT) loosen(directory);
  nodeFs.rmSync(directory, { recursive: true, force: true });
}

function loosen(directory: string): void {
  nodeFs.chmodSync(directory, 0o700);
  for (const entry of nodeFs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) loosen(path.join(directory, entry.name));
  }
}

/** The rights a caller stands for. Only root can play somebody else; anybody else owns what they make. */
function rightsOf(as: Caller): Rights {
  if (!ROOT) {
    const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    return { owner: self, caller: self };
  }
  const owner = { uid: 1000, gid: 1000 };
  const callers = { owner, group: { uid: 1001, gid: 1000 }, stranger: { uid: 1001, gid: 1001 } };
  return { owner, caller: callers[as] };
}

/** linkat(2) with AT_SYMLINK_FOLLOW, which Node cannot call itself. */
function linkNameless(fd: number, target: string): void {
  const { status, stderr } = spawnSync('ln', ['-L', '-T', `/proc/${process.pid}/fd/${fd}`, target], {
    env: { ...process.env, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  if (status === 0) return;
  const reason = stderr.trim().split(': ').at(-1) ?? '';
  throw Object.assign(new Error(reason), { code: NAMELESS_ERRORS.get(reason) ?? reason });
}

const NAMELESS_ERRORS = new Map([
  ['File exists', 'EEXIST'],
  ['No such file or directory', 'ENOENT'],
  ['Not a directory', 'ENOTDIR'],
  ['Too many levels of symbolic links', 'ELOOP'],
  ['Operation not permitted', 'EPERM'],
  ['hard link not allowed for directory', 'EPERM'],
  ['Is a directory', 'EISDIR'],
]);

export const realGround: Ground = {
  name: 'the real fs',
  forms: ['sync', 'callback', 'promise'],
  serves: ({ as, byRealUser }) => (ROOT ? !byRealUser : as === undefined || as === 'owner'),
  stand: (given, rights) => {
    const base = scratch();
    nodeFs.chmodSync(base, 0o755);
    const root = base + NEST;
    makeTree({ fs: nodeFs, root, ...(rights && ROOT ? { owner: rights.owner } : {}) }, flatten(given));
    if (rights && ROOT) nodeFs.chownSync(root, rights.owner.uid, rights.owner.gid);
    return {
      fs: nodeFs,
      root,
      base,
      start: process.cwd(),
      linkNameless,
      ...(rights ? { within: (run) => actAs(rights.caller, run) } : {}),
      verify: () => {},
      leave: () => clear(base),
    };
  },
};

async function play(ground: Ground, form: Form, scenario: Scenario): Promise<void> {
  const rights = scenario.as && rightsOf(scenario.as);
  const stage = ground.stand(scenario.given, rights);
  const face = faceOf(stage.fs, form, stage.start);
  const run = async (): Promise<void> => {
    try {
      await scenario.run(face, stage.root);
    } finally {
      await face.finish();
    }
  };
  try {
    await (stage.within ? stage.within(run) : run());
    stage.verify();
  } finally {
    stage.leave();
  }
}

/** Makes the tests of these scenarios on this ground, in all its forms. */
export function testOn(ground: Ground, themes: Readonly<Record<string, readonly Scenario[]>>): void {
  for (const form of ground.forms) {
    for (const [theme, scenarios] of Object.entries(themes)) {
      const served = scenarios.filter((scenario) => ground.serves(scenario));
      if (served.length === 0) continue;
      describe(`${ground.name}, ${form}: ${theme}`, () => {
        for (const scenario of served) it(scenario.name, () => play(ground, form, scenario));
      });
    }
  }
}
