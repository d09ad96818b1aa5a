/** A drawing of nodes and arrows as DOT (Graphviz) and Mermaid. Texts come from models and prompts: all are escaped. */
export interface DrawnGraph {
  /** Of the drawing in DOT: a word of letters. */
  name: string;
  title: string;
  nodes: { lines: string[]; strong: boolean }[];
  /** Ends are indices of nodes. */
  edges: { from: number; to: number; label: string; dashed: boolean }[];
}

export function writeDot({ name, title, nodes, edges }: DrawnGraph): string {
  const lines = [
    `digraph ${name} {`,
    '  rankdir=LR;',
    `  label=${dotText([title])};`,
    '  labelloc=t;',
    '  node [shape=box, style=rounded];',
    ...nodes.map(
      ({ lines: own, strong }, i) =>
        `  n${i} [label=${dotText(own)}${strong ? ', style=bold' : ''}];`
    ),
    ...edges.map(
      ({ from, to, label, dashed }) =>
        `  n${from} -> n${to} [label=${dotText([label])}${dashed ? ', style=dashed' : ''}];`
    ),
    '}'
  ];
  return `${lines.join('\n')}\n`;
}

export function writeMermaid({ title, nodes, edges }: DrawnGraph): string {
  const lines = [
    'flowchart LR',
    `  title[${mermaidText([title])}]`,
    '  style title fill:none,stroke:none',
    ...nodes.map(({ lines: own, strong }, i) =>
      strong ? `  n${i}[${mermaidText(own)}]` : `  n${i}(${mermaidText(own)})`
    ),
    ...edges.map(
      ({ from, to, label, dashed }) =>
        `  n${from} ${dashed ? '-.->' : '-->'}|${mermaidText([label])}| n${to}`
    )
  ];
  return `${lines.join('\n')}\n`;
}

/** A quoted string of DOT: no escapes of its own (`\N` is a node's name there), no entities. */
function dotText(lines: readonly string[]): string {
  return `"${lines
    .map(line =>
      line
        .replace(/&/g, '&amp;')
        .replace(/\\/g, '\\\\')
        .replace(/"/g, '\\"')
        .replace(/\s/g, ' ')
    )
    .join('\\n')}"`;
}

/** A quoted label of Mermaid: whatever is no letter, digit or plain mark is written as a character code. */
function mermaidText(lines: readonly string[]): string {
  return `"${lines
    .map(line =>
      [...line]
        .map(character =>
          /^[\p{L}\p{N} .,:+()-]$/u.test(character)
            ? character
            : `#${character.codePointAt(0)};`
        )
        .join('')
    )
    .join('<br/>')}"`;
}
