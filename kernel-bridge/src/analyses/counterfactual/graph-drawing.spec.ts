import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { RoutingSample } from '../../base/protocol';
import type { CausalGraph } from './causal-graph';
import { drawnEdges, toDot, toMermaid } from './graph-drawing';
import { counterfactualPage } from './graph-page';

const HOSTILE = [
  '"];\n click n0 "javascript:alert(1)"',
  '\\N & <b>',
  '`]-->|x|end'
];
const MODULE = '"]\n--> x["<script>';
const ID = `layer 3 ${MODULE} expert 5`;

const sample: RoutingSample = {
  id: '0',
  tokens: HOSTILE.map((text, position) => ({ position, id: position, text })),
  layers: []
};
const graph: CausalGraph = {
  effects: 'direct',
  unmeasured: [],
  nodes: [
    {
      id: 'edit',
      kind: 'edit',
      edits: [
        { kind: 'ablate', layer: 3, module: MODULE, expert: 5, mode: 'mask' }
      ]
    },
    {
      id: ID,
      kind: 'expert',
      layer: 3,
      module: MODULE,
      expert: 5,
      edited: true,
      entered: [0, 1],
      left: [2]
    },
    { id: 'output', kind: 'output' }
  ],
  edges: [
    { from: 'edit', to: ID, effect: 'total', entered: [0, 1], left: [2] },
    { from: 'edit', to: ID, effect: 'direct', entered: [0], left: [] },
    { from: 'edit', to: 'output', effect: 'direct', kl: { mean: 1, last: 0 } },
    { from: ID, to: 'output', effect: 'direct', kl: { mean: 0.25, last: 0 } },
    { from: 'edit', to: 'output', effect: 'total', kl: { mean: null, last: 0 } }
  ]
};

/** Errors of JupyterLab's own parser. */
function mermaidErrors(...documents: string[]): (string | null)[] {
  return JSON.parse(
    execFileSync(
      process.execPath,
      [join(__dirname, '../../../test/parse-mermaid.mjs')],
      { input: JSON.stringify(documents), encoding: 'utf8' }
    )
  );
}

describe('drawnEdges', () => {
  it('omits edges that another edge implies: a total effect beside a direct one, and the direct one of the edit where an expert has it', () => {
    expect(drawnEdges(graph).map(({ to, effect }) => [to, effect])).toEqual([
      [ID, 'direct'],
      ['output', 'direct'],
      ['output', 'total']
    ]);
  });
});

describe('toMermaid', () => {
  const text = toMermaid(graph, sample);

  it('parses as Mermaid, whatever tokens and names contain', () => {
    expect(mermaidErrors(text, 'flowchart LR\n  n0["a"b"]')).toEqual([
      null,
      expect.stringContaining('Parse error')
    ]);
  });

  it('has quoted labels of letters, digits, plain marks and character codes only', () => {
    const label = `"(?:[\\p{L}\\p{N} .,:+()-]|#\\d+;|<br/>)*"`;
    const line = new RegExp(
      `^  (?:title\\[${label}\\]|style title fill:none,stroke:none|n\\d+(?:\\[${label}\\]|\\(${label}\\))|n\\d+ -\\.?->\\|${label}\\| n\\d+)$`,
      'u'
    );
    const [head, ...lines] = text.trimEnd().split('\n');
    expect(head).toBe('flowchart LR');
    for (const each of lines) {
      expect(each).toMatch(line);
    }
    expect(lines).toHaveLength(2 + graph.nodes.length + 3);
  });

  it('draws the strongest edges and reports the rest', () => {
    const few = toMermaid(graph, sample, { maxEdges: 1 });
    expect(few.match(/--?>/g)).toHaveLength(1);
    expect(few).toContain('2 weaker edges left out');
    expect(few).not.toContain('expert 5<br/>');
  });
});

describe('toDot', () => {
  const text = toDot(graph, sample);

  it('has nothing but quoted strings outside its own keywords', () => {
    const bare = text.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
    expect(bare.trimEnd().split('\n')).toEqual([
      'digraph counterfactual {',
      '  rankdir=LR;',
      '  label="";',
      '  labelloc=t;',
      '  node [shape=box, style=rounded];',
      '  n0 [label="", style=bold];',
      '  n1 [label=""];',
      '  n2 [label="", style=bold];',
      '  n0 -> n1 [label=""];',
      '  n1 -> n2 [label=""];',
      '  n0 -> n2 [label="", style=dashed];',
      '}'
    ]);
  });

  it('escapes special characters of Graphviz', () => {
    expect(text).toContain('\\\\N·&amp;');
    expect(text).not.toMatch(/[^\\]\\N/);
    expect(text).toContain('KL 0.25');
    expect(text).toContain('KL not finite');
  });
});

describe('counterfactualPage', () => {
  const page = counterfactualPage(
    { model: '<i>', edits: [], graph },
    sample,
    'a < b & c'
  );

  it('loads and runs nothing, and has an element per node and arrow', () => {
    // Tags that remain after escaping come from the page itself.
    const tags = page.match(/<[a-z!/][^>]*>/gi) ?? [];
    expect(tags.filter(tag => /script|href|src=|\son\w+=/i.test(tag))).toEqual(
      []
    );
    expect(page).not.toMatch(/<i>|<b>|javascript:[^&]*"/);
    expect(page.match(/<rect /g)).toHaveLength(graph.nodes.length);
    expect(page.match(/marker-end=/g)).toHaveLength(drawnEdges(graph).length);
    expect(page).toContain('a &lt; b &amp; c');
  });
});
