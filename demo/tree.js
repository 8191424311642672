/** Draws changes as a tree. */

/** @typedef {import('overfs').PathChange} PathChange */
/** A path of the tree: what happened there (something may be removed and something else added), and what lies below. @typedef {{ changes: PathChange[], children: Map<string, Node> }} Node */

/** How each kind of change is marked, and its colour on a terminal. @type {Readonly<Record<PathChange['kind'], readonly [string, number]>>} */
const MARKS = {
  added: ['+', 32],
  modified: ['~', 33],
  removed: ['-', 31],
  renamed: ['→', 36],
  attributes: ['@', 34],
};

/** A directory with more changed files than this is told in one line. */
const MOST_SHOWN = 4;

/** @typedef {(text: string, colour: number) => string} Paint */

/** Colours text where the stream shows colours and the user wants them. @param {NodeJS.WriteStream} stream @returns {Paint} */
export function painter(stream) {
  const coloured = stream.isTTY && stream.hasColors();
  return (text, colour) => (coloured ? `\u001B[${colour}m${text}\u001B[0m` : text);
}

/**
 * @param {readonly PathChange[]} changes
 * @param {string} root a path above all of them, where the tree starts
 * @param {Paint} paint
 * @returns {string[]} lines
 */
export function drawTree(changes, root, paint) {
  /** @type {Node} */
  const top = newNode();
  for (const change of changes) {
    let at = top;
    for (const name of change.path.slice(root.length).split('/').filter(Boolean)) {
      const below = at.children.get(name) ?? newNode();
      at.children.set(name, below);
      at = below;
    }
    at.changes.push(change);
  }
  return [paint(root, 1), ...drawBelow(top, '', paint)];
}

/** @param {Node} node @param {string} indent @param {Paint} paint @returns {string[]} */
function drawBelow(node, indent, paint) {
  const entries = [...node.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const files = entries.filter(([, { children }]) => children.size === 0);
  const folded = files.length > MOST_SHOWN ? files : [];
  const shown = entries.filter((entry) => !folded.includes(entry));
  const lines = shown.map(([name, child]) => ({ label: label(name, child, paint), child }));
  if (folded.length > 0)
    lines.push({
      label: summary(
        folded.map(([, child]) => child),
        paint,
      ),
      child: newNode(),
    });
  return lines.flatMap(({ label, child }, index) => {
    const isLast = index === lines.length - 1;
    const below = drawBelow(child, `${indent}${isLast ? '    ' : '│   '}`, paint);
    return [`${indent}${isLast ? '└── ' : '├── '}${label}`, ...below];
  });
}

/** @returns {Node} */
function newNode() {
  return { changes: [], children: new Map() };
}

/** @param {string} name @param {Node} node @param {Paint} paint */
function label(name, { changes, children }, paint) {
  const text = children.size > 0 || changes.at(-1)?.type === 'directory' ? `${name}/` : name;
  const marks = changes.map(({ kind, from }) => mark(kind, from === undefined ? '' : ` from ${from}`, paint));
  return [...marks, text].join(' ');
}

/** @param {PathChange['kind']} kind @param {string} text @param {Paint} paint */
function mark(kind, text, paint) {
  const [sign, colour] = MARKS[kind];
  return paint(`${sign}${text}`, colour);
}

/** Several files in one line, by what happened to them. @param {readonly Node[]} nodes @param {Paint} paint */
function summary(nodes, paint) {
  const kinds = /** @type {PathChange['kind'][]} */ (Object.keys(MARKS));
  return kinds
    .map((kind) => {
      const { length } = nodes.filter(({ changes }) => changes.at(-1)?.kind === kind);
      return length === 0 ? '' : mark(kind, ` ${length} files ${kind}`, paint);
    })
    .filter(Boolean)
    .join(', ');
}
