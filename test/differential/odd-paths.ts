/**
 * Every call on every kind of path that is missing, of the wrong type, oddly spelled or refused: results and errors
 * must be the real filesystem's, word for word (N2), and a call that fails must leave the tree alone.
 */

import { constants } from 'node:fs';
import type { Form } from '../grounds/face.ts';
import { type Ground, ROOT, realGround } from '../grounds/ground.ts';
import { dir, file, hard, link, type Tree } from '../grounds/tree.ts';
import { type Argument, type Command, isSame, World } from './world.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;

const TREE: Tree = {
  file: 'content',
  other: hard('file'),
  dir: dir({ inner: file('inner', { mode: 0o600 }), sub: dir(), up: link('../file') }),
  empty: dir(),
  toFile: link('file'),
  toDir: link('dir'),
  toAll: link((root) => `${root}/dir/inner`),
  dangling: link('no'),
  dangling2: link('no/no'),
  loop: link('loop'),
};

const PATHS: readonly string[] = [
  '',
  '/',
  '@',
  '@/',
  '@/no',
  '@/no/',
  '@/no/no',
  '@/no/.',
  '@/no/..',
  '@/no//no//',
  '@/no/../new',
  '@/no/../dir/new',
  '@/file',
  '@/file/',
  '@/file/.',
  '@/file/..',
  '@/file/no',
  '@/other',
  '@/dir',
  '@/dir/',
  '@/dir/.',
  '@/dir/..',
  '@/dir/no',
  '@/dir/sub',
  '@/dir/inner',
  '@/dir/up',
  '@/empty',
  '@/empty/',
  '@/empty/.',
  '@/toFile',
  '@/toFile/',
  '@/toFile/no',
  '@/toDir',
  '@/toDir/',
  '@/toDir/inner',
  '@/toDir/no',
  '@/toDir/..',
  '@/toAll',
  '@/dangling',
  '@/dangling/',
  '@/dangling/no',
  '@/dangling2',
  '@/loop',
  '@/loop/',
  '@/loop/no',
  `@/${'n'.repeat(256)}`,
  `@/${'n'.repeat(256)}/no`,
  `@/dir/${'n'.repeat(255)}`,
  '@/nul\0byte',
];

/** Calls with one path: their arguments, the path left out, which comes first. */
const ON_ONE: readonly (readonly [call: string, ...rest: readonly Argument[]])[] = [
  ['access'],
  ['access', constants.W_OK | constants.R_OK],
  ['appendFile', 'more'],
  ['chmod', 0o640],
  ['exists'],
  ['lstat'],
  ['lutimes', 1, 2],
  ['mkdir'],
  ['mkdir', { recursive: true }],
  ['opendir'],
  ['readFile'],
  ['readFile', 'utf8'],
  ['readdir'],
  ['readdir', { withFileTypes: true }],
  ['readdir', 'buffer'],
  ['readlink'],
  ['realpath'],
  ['rm'],
  ['rm', { force: true }],
  ['rm', { recursive: true }],
  ['rmdir'],
  ['stat'],
  ['truncate', 3],
  ['truncate', 100],
  ['unlink'],
  ['utimes', 1, 2],
  ['writeFile', 'other'],
  ['writeFile', 'other', { flag: 'wx' }],
  ['writeFile', 'other', { flag: 'r+' }],
];

const FLAGS: readonly (string | number)[] = [
  'r',
  'r+',
  'w',
  'wx',
  'a',
  'ax+',
  O_CREAT,
  O_TRUNC,
  O_CREAT | O_DIRECTORY,
  O_DIRECTORY,
  O_DIRECTORY | O_WRONLY,
  O_NOFOLLOW,
  O_NOFOLLOW | O_CREAT | O_RDWR,
  O_NOFOLLOW | O_DIRECTORY,
  O_CREAT | O_EXCL | O_NOFOLLOW,
  O_TMPFILE,
  O_TMPFILE | O_RDWR,
  O_TMPFILE | O_WRONLY | O_EXCL,
  O_TMPFILE | O_RDWR | O_CREAT,
];

const ON_TWO: readonly (readonly [call: string, ...rest: readonly Argument[]])[] = [
  ['rename'],
  ['link'],
  ['symlink'],
  ['copyFile'],
  ['copyFile', constants.COPYFILE_EXCL],
];

/** The commands of one call, under the name its test gets. */
export interface Table {
  readonly name: string;
  readonly commands: readonly Command[];
}

/** What may be tried on the root of a real filesystem: what is refused there, and what two filesystems tell alike. */
const ON_ROOT = new Set(['mkdir', 'rmdir', 'unlink', 'symlink', 'copyFile', 'readlink', 'realpath']);

/**
 * Node's recursive rm does several things at once, so `rm -r x/..` leaves now this, now that; the real path of nothing
 * is where the process is.
 */
function isSteady({ call, args }: Command): boolean {
  if (args.includes('/')) return ROOT && ON_ROOT.has(call);
  if (call === 'realpath' && args[0] === '') return false;
  return !(call === 'rm' && String(args[0]).endsWith('..'));
}

const onOne: Table[] = ON_ONE.map(([call, ...rest]) => ({
  name: `${call} ${rest.map((part) => JSON.stringify(part)).join(' ')}`,
  commands: PATHS.map((path) => ({ call, args: [path, ...rest] })).filter(isSteady),
}));

const opening: Table[] = FLAGS.map((flags) => ({
  name: `open with ${typeof flags === 'number' ? `0o${flags.toString(8)}` : flags}`,
  commands: PATHS.map((path) => ({ call: 'open', slot: 0, args: [path, flags, 0o640] })).filter(isSteady),
}));

const onTwo: Table[] = ON_TWO.map(([call, ...rest]) => ({
  name: `${call} ${rest.join(' ')}`,
  commands: (call === 'symlink' ? ['file', ''] : PATHS)
    .flatMap((from) => PATHS.map((to) => ({ call, args: [from, to, ...rest] })))
    .filter(isSteady),
}));

/** The tables of calls with one path. */
export const shortTables: readonly Table[] = [...onOne, ...opening];

/** The tables of calls with two paths: every path with every other. */
export const longTables: readonly Table[] = onTwo;

/** Tables with one in so many of their commands: others for each `turn`, so that many thinned ones have them all between them. */
export function thinned(all: readonly Table[], oneIn: number, turn: number): Table[] {
  return all
    .map(({ name, commands }, at) => ({
      name: `${name}, one in ${oneIn}`,
      commands: commands.filter((_, index) => index % oneIn === (at + turn) % oneIn),
    }))
    .filter(({ commands }) => commands.length > 0);
}

/** A pair of worlds, made again after each command that changed something. */
class Pair {
  readonly #ground: Ground;
  readonly #form: Form;
  /** The worlds as long as no command has succeeded in them. */
  #worlds: readonly [model: World, subject: World] | undefined;

  constructor(ground: Ground, form: Form) {
    this.#ground = ground;
    this.#form = form;
  }

  /** What the command comes to in both worlds, and what it leaves there when it succeeds. */
  async play(command: Command): Promise<readonly [string, string]> {
    this.#worlds ??= [
      new World(realGround.stand(TREE, undefined), this.#form),
      new World(this.#ground.stand(TREE, undefined), this.#form),
    ];
    const [model, subject] = this.#worlds;
    const told = [await model.play(command), await subject.play(command)] as const;
    const failed = told.every((outcome) => outcome.startsWith('error'));
    // A copyFile that fails leaves or removes its target in libuv: there only the errors are compared.
    if (failed && command.call !== 'copyFile') return told;
    const left = await this.end();
    return failed ? told : [`${told[0]}\n${left[0]}`, `${told[1]}\n${left[1]}`];
  }

  /** Ends the worlds, if there are any, and tells what is in them. */
  async end(): Promise<readonly [string, string]> {
    if (!this.#worlds) return ['', ''];
    const [model, subject] = this.#worlds;
    this.#worlds = undefined;
    const survey: Command = { call: 'survey', args: [] };
    const left = [await model.play(survey), await subject.play(survey)] as const;
    await model.end();
    await subject.end();
    return left;
  }
}

export interface Difference {
  readonly command: Command | 'what failures left';
  readonly expected: string;
  readonly told: string;
}

/** Plays all commands and collects where the ground tells something else than the real fs. */
export async function differences(ground: Ground, form: Form, commands: readonly Command[]): Promise<Difference[]> {
  const pair = new Pair(ground, form);
  const found: Difference[] = [];
  for (const command of commands) {
    const [expected, told] = await pair.play(command);
    if (!isSame(expected, told)) found.push({ command, expected, told });
  }
  const [expected, told] = await pair.end();
  if (expected !== told) found.push({ command: 'what failures left', expected, told });
  return found;
}
