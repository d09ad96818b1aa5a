/** A drawing as Graphviz DOT and Mermaid. All labels are untrusted input and are escaped. */
import type { DrawnEdge, DrawnGraph, DrawnNode } from './drawn-graph';

export function writeDot({ name, title, nodes, edges }: DrawnGraph): string {
  const ranks = byRank(nodes);
  const lines = [
    `digraph ${name} {`,
    '  rankdir=LR;',
    `  label=${dotText([title])};`,
    '  labelloc=t;',
    '  node [shape=box, style=rounded];',
    ...nodes.map(
      (node, i) =>
        `  n${i} [label=${dotText(textOf(node))}${node.strong ? ', style=bold' : ''}];`
    ),
    ...ranks
      .filter(({ length }) => length > 1)
      .map(rank => `  { rank=same; ${rank.map(i => `n${i};`).join(' ')} }`),
    ...apart(ranks, edges).map(
      ([from, to]) => `  n${from} -> n${to} [style=invis];`
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
    ...nodes.map((node, i) => {
      const text = mermaidText(textOf(node));
      return node.strong ? `  n${i}[${text}]` : `  n${i}(${text})`;
    }),
    ...edges.map(
      ({ from, to, label, dashed }) =>
        `  n${from} ${dashed ? '-.->' : '-->'}|${mermaidText([label])}| n${to}`
    )
  ];
  return `${lines.join('\n')}\n`;
}

function textOf({ lines, details }: DrawnNode): string[] {
  return [...lines, ...details];
}

/** Indices of nodes, by ascending rank. */
function byRank(nodes: readonly DrawnNode[]): number[][] {
  const ranks = new Map<number, number[]>();
  nodes.forEach(({ rank }, i) =>
    ranks.set(rank, [...(ranks.get(rank) ?? []), i])
  );
  return [...ranks].sort(([a], [b]) => a - b).map(([, members]) => members);
}

/** Nodes of consecutive ranks without an edge between them, which Graphviz would otherwise put side by side. */
function apart(
  ranks: readonly (readonly number[])[],
  edges: readonly DrawnEdge[]
): [number, number][] {
  return ranks
    .slice(1)
    .flatMap((next, r): [number, number][] =>
      edges.some(({ from, to }) => ranks[r].includes(from) && next.includes(to))
        ? []
        : [[ranks[r][0], next[0]]]
    );
}

/** A quoted DOT string, without DOT's own escapes (`\N` is a node's name there) and entities. */
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

/** A quoted Mermaid label: everything except letters, digits and plain punctuation becomes a character code. */
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
