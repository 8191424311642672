// Every example of the README and of the comments in lib/ is run, and prints what it says it prints.
//
// Each example runs in a directory of its own that holds a small project, with what `import ... from 'overfs'` names taken from the
// sources. What it prints stands in a comment behind the `console.log`, further lines in comments of their own below it.

import nodeFs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { format } from 'node:util';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '../demo/fingerprint.js';
import * as overfs from '../lib/index.ts';

interface Example {
  /** The file it stands in, and the line it begins at. */
  readonly where: string;
  readonly code: string;
}

const ROOT = path.resolve(import.meta.dirname, '..');
const real = createRequire(path.join(ROOT, 'package.json'));
const AsyncFunction = (async () => {}).constructor as new (...names: string[]) => (...args: unknown[]) => Promise<void>;

const FENCE = /^([ \t]*(?:\* ?)?)```(?:js|ts)\n(.*?)^\1```/gms;

/** The code between the fences of a text, without what stands before each line (the star of a comment). */
function examplesIn(text: string, file: string): Example[] {
  return [...text.matchAll(FENCE)].map(({ index, 1: margin = '', 2: body = '' }) => {
    const lines = body.split('\n').map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line.trim()));
    return {
      where: `${file}:${text.slice(0, index).split('\n').length}`,
      code: lines.join('\n').replace(/^\*$/gm, ''),
    };
  });
}

function allExamples(): Example[] {
  const sources = nodeFs.readdirSync(path.join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' });
  const files = ['README.md', ...sources.filter((name) => name.endsWith('.ts')).map((name) => `lib/${name}`)];
  return files.flatMap((file) => examplesIn(nodeFs.readFileSync(path.join(ROOT, file), 'utf8'), file));
}

/** The lines that an example says it prints. */
function announced(code: string): string[] {
  const printed: string[] = [];
  let isBelow = false;
  for (const line of code.split('\n')) {
    const behind: string | undefined = /console\.log\(.*\);.*? \/\/ (.*)$/.exec(line)?.[1];
    const below: string | undefined = isBelow ? /^\s*\/\/ (.*)$/.exec(line)?.[1] : undefined;
    const says: string | undefined = behind ?? below;
    if (says !== undefined) printed.push(says);
    isBelow = says !== undefined || line.includes('console.log(');
  }
  return printed;
}

/** Runs an example and returns the lines it prints. */
async function run({ code }: Example): Promise<string[]> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  const printed: string[] = [];
  const log = (...values: unknown[]): void => void printed.push(...format(...values).split('\n'));
  const load = (name: string): unknown => (name === 'overfs' ? overfs : real(name));
  await new AsyncFunction('require', 'exports', 'console', outputText)(load, {}, { log });
  return printed;
}

/** What the compiler says of the examples, each taken as a module of the project. */
function complaintsAbout(examples: readonly Example[]): string[] {
  const { config } = ts.readConfigFile(path.join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  // Where the declarations of Node are looked for.
  host.getCurrentDirectory = () => ROOT;
  const { getSourceFile, fileExists } = host;
  const texts = new Map(examples.map(({ code }, i) => [path.join(ROOT, `example${i}.ts`), `${code}\nexport {};\n`]));
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = texts.get(name);
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version);
  };
  // An example may name what it does not go on to use, and is read as JavaScript too, which has no types to declare.
  const untyped = { noImplicitAny: false, useUnknownInCatchVariables: false };
  const lenient = { ...options, ...untyped, noUnusedLocals: false, noEmit: true };
  const program = ts.createProgram({ rootNames: [...texts.keys()], options: lenient, host });
  return [...texts.keys()].flatMap((name, i) =>
    [program.getSyntacticDiagnostics, program.getSemanticDiagnostics].flatMap((diagnose) =>
      diagnose(program.getSourceFile(name)).map(
        ({ messageText }) => `${examples[i]?.where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      ),
    ),
  );
}

/** The project that examples find in the directory they run in. */
const PROJECT = {
  'package.json': '{ "name": "example" }\n',
  'src/index.js': 'export const answer = 42;\n',
  'src/parts/one.js': 'export default 1;\n',
  'src/parts/two.js': 'export default 2;\n',
  'node_modules/left/index.js': 'export const left = true;\n',
  'theme/logo.svg': '<svg/>\n',
  'theme/style.css': 'a { color: red }\n',
};

const TOP = [...new Set(Object.keys(PROJECT).map((name) => name.split('/')[0] ?? ''))];

describe('the examples', () => {
  const examples = allExamples();
  const home = process.cwd();
  let directory = '';
  /** How the project is, and how it must stay; an example may make directories beside it. */
  const project = () => TOP.map((name) => fingerprint(path.join(directory, name)).hash);

  beforeEach(() => {
    directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-examples-'));
    for (const [name, text] of Object.entries(PROJECT)) {
      nodeFs.mkdirSync(path.join(directory, path.dirname(name)), { recursive: true });
      nodeFs.writeFileSync(path.join(directory, name), text);
      // What has just been written is read again each time for a while.
      nodeFs.utimesSync(path.join(directory, name), 1_600_000_000, 1_600_000_000);
    }
    process.chdir(directory);
  });

  afterEach(() => {
    process.chdir(home);
    nodeFs.rmSync(directory, { recursive: true });
  });

  it.each(examples)('$where prints what it says, and leaves the project as it is', async (example) => {
    const before = project();
    expect(await run(example)).toEqual(announced(example.code));
    expect(project()).toEqual(before);
  });

  it('are right in the eyes of the compiler', () => {
    expect(complaintsAbout(examples)).toEqual([]);
  });

  it('are found in the README and in lib/', () => {
    const files = examples.map(({ where }) => where.replace(/:\d+$/, ''));
    expect(files).toContain('README.md');
    expect(files).toContain('lib/overlay/overlay.ts');
    const text = ' * @example\n * ```ts\n * a;\n *\n * b;\n * ```\n';
    expect(examplesIn(text, 'x')).toEqual([{ where: 'x:2', code: 'a;\n\nb;\n' }]);
  });

  it('say what they print behind the call and below it', () => {
    expect(announced('console.log(a); // one\n// two\nb();\n// three\nconsole.log(c);')).toEqual(['one', 'two']);
    expect(announced('for (const x of y) console.log(x); // one')).toEqual(['one']);
  });
});
