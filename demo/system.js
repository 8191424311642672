/** What the TypeScript compiler needs of a filesystem, over any `fs`: nothing here reaches for another one. */

import path from 'node:path';
import ts from 'typescript';

/** Changed by nobody; a file that starts with it is UTF-8 all the same. */
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * @param {typeof import('node:fs')} fs what the compiler reads from and writes to
 * @param {string} directory where relative paths start
 * @returns {ts.System}
 */
export function systemOver(fs, directory) {
  /** @param {string} at */
  const stat = (at) => fs.statSync(at, { throwIfNoEntry: false });
  return {
    args: [],
    newLine: '\n',
    useCaseSensitiveFileNames: true,
    write: (text) => process.stdout.write(text),
    exit: (code) => process.exit(code),
    getCurrentDirectory: () => directory,
    getExecutingFilePath: () => ts.sys.getExecutingFilePath(),
    resolvePath: (at) => path.resolve(directory, at),
    realpath: (at) => (fs.existsSync(at) ? fs.realpathSync(at) : at),
    fileExists: (at) => stat(at)?.isFile() ?? false,
    directoryExists: (at) => stat(at)?.isDirectory() ?? false,
    readFile: (at) => {
      if (!stat(at)?.isFile()) return undefined;
      const text = fs.readFileSync(at, 'utf8');
      return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
    },
    writeFile: (at, text, withMark) => fs.writeFileSync(at, withMark ? BYTE_ORDER_MARK + text : text),
    createDirectory: (at) => fs.mkdirSync(at),
    getDirectories: (at) =>
      fs
        .readdirSync(at, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    readDirectory: (root, extensions = [], _excluded, included = ['.']) =>
      included.flatMap((folder) => filesBelow(fs, path.join(root, folder), extensions)),
  };
}

/**
 * The files below a folder that have one of the extensions. Patterns are not understood: `included` names folders.
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} folder
 * @param {readonly string[]} extensions
 */
function filesBelow(fs, folder, extensions) {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => extensions.some((extension) => name.endsWith(extension)))
    .map((name) => path.join(folder, name))
    .sort();
}

/**
 * Compiles a project as `tsc -p` does.
 *
 * @param {ts.System} system
 * @param {string} config the path of its tsconfig.json
 * @returns {{ sources: number, errors: string[] }} how many files it has, and what the compiler complained of
 */
export function compile(system, config) {
  const parsed = ts.getParsedCommandLineOfConfigFile(config, undefined, {
    ...system,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  });
  if (parsed === undefined) throw new Error(`${config} is no configuration of TypeScript`);
  const { options, fileNames: rootNames } = parsed;
  const program = ts.createProgram({ rootNames, options, host: ts.createIncrementalCompilerHost(options, system) });
  const diagnostics = [...parsed.errors, ...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return {
    sources: rootNames.length,
    errors: diagnostics.map(({ messageText, file }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      return file === undefined ? text : `${file.fileName}: ${text}`;
    }),
  };
}
