/**
 * Which part may import which: `npm run lint:imports` refuses an import that runs up, and every circle of files, types
 * included. docs/architecture.md has the drawing.
 */
const NODE_PACKAGE = 'kernel-bridge/src';
const PAGE = 'src';

/** From the top down: a wing knows those below it and itself. Wings of one row do not know each other. */
const WINGS = [
  ['programs'],
  ['api'],
  ['views'],
  ['analyses'],
  ['files'],
  ['run'],
  ['routing'],
  ['onnx', 'measures', 'show'],
  ['base']
];

/** What belongs into each wing: the sentence that a refused import is answered with. */
const HOLDS = {
  programs:
    'programs (cli, kernel, serve) start the rest and are imported by nothing',
  api: 'api holds what index.ts hands out (MoEModel, sessions, the store): pass a LoadedModel or a function down instead',
  views:
    'views hold how results look: results stay data, and views/ adds looks to them from outside',
  analyses:
    'analyses hold what is computed from runs: move what both need into run/, measures/ or base/',
  files:
    'files hold traces on disk and importers: pass rows or samples in instead of reading files here',
  run: 'run holds the engine, LoadedModel, generation, edits and gradients: move what both need into routing/, onnx/ or base/',
  routing:
    'routing finds routers in graphs and knows how they choose: move what both need into onnx/ or base/',
  onnx: 'onnx holds the file and the graph',
  measures:
    'measures hold tallies and statistics of routing, and stay free of Node',
  show: 'show holds the MIME bundle and the bases of pages and widgets: what draws a result stands in views/',
  base: 'base imports nothing above it'
};

/** The same of the page. Findings are stored and drawn as tools are. */
const PAGE_WINGS = [
  ['plugins'],
  ['workbench'],
  ['panels', 'widgets', 'mime'],
  ['kernel'],
  ['devtools', 'outputs'],
  ['tools|findings', 'figures', 'routing'],
  ['source'],
  ['drawing']
];

const PAGE_HOLDS = {
  plugins: 'plugins start the rest and are imported by nothing',
  workbench: 'workbench holds the tabs of MoE DevTools',
  panels: 'panels hold the sections of the side panel',
  widgets: 'widgets hold the classes of ipywidgets',
  mime: 'mime holds the renderer that JupyterLab asks for outputs',
  kernel: "kernel holds the connection to a notebook's kernel",
  devtools:
    'devtools hold the views that read traces from a source: what docks them is in workbench/',
  outputs: 'outputs hold what draws a stored document, a trace or a tool',
  'tools|findings':
    'tools and findings work on a model or tell of it: move what another view needs too into drawing/',
  figures: 'figures hold the charts of measures',
  routing: 'routing holds the view of routing',
  source:
    'source holds what views read of traces, wherever these are kept, and the selection',
  drawing: 'drawing holds what all that draws is made of'
};

const upwards = (root, wings, holds) =>
  wings
    .flatMap((row, floor) =>
      row.map(wing => {
        const refused = [
          ...wings.slice(0, floor).flat(),
          ...row.filter(other => other !== wing)
        ];
        return {
          name: `${wing.replaceAll('|', '-and-')}-knows-only-what-is-below`,
          severity: 'error',
          comment: `A file in ${wing}/ imports from a wing that it may not know. ${refused.map(other => holds[other]).join('; ')}.`,
          from: { path: `^${root}/(${wing})/`, pathNot: '\\.spec\\.tsx?$' },
          to: {
            path: `^${root}/(${refused.join('|')})/|^${root}/index\\.ts$`
          }
        };
      })
    )
    .filter(rule => !rule.to.path.includes('()'));

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      comment:
        'These files import each other in a circle, so neither can be read, tested or moved alone. Put what both need into a file of its own that knows neither.',
      from: { pathNot: '\\.spec\\.tsx?$' },
      to: { circular: true }
    },
    ...upwards(NODE_PACKAGE, WINGS, HOLDS),
    ...upwards(PAGE, PAGE_WINGS, PAGE_HOLDS),
    {
      name: 'loaded-model-names-no-capability',
      severity: 'error',
      comment:
        'LoadedModel is what every capability runs. A capability keeps what it needs by remembered(model, make), not in a field.',
      from: { path: `^${NODE_PACKAGE}/run/model/loaded-model\\.ts$` },
      to: {
        path: `^${NODE_PACKAGE}/run/(activations|edits|generation|gradients|trace)/`
      }
    },
    {
      name: 'pure-parts-know-no-node',
      severity: 'error',
      comment:
        'The page imports this part: it must work without Node. Take what Node gives as an argument.',
      from: {
        path: `^${NODE_PACKAGE}/(base/(protocol|charts|statistics)|measures)/`,
        pathNot: '\\.spec\\.ts$'
      },
      to: { dependencyTypes: ['core'] }
    },
    {
      name: 'pure-parts-know-only-pure-parts',
      severity: 'error',
      comment: 'The page imports this part, and with it all that it imports.',
      from: {
        path: `^${NODE_PACKAGE}/(base/(protocol|charts|statistics)|measures)/`,
        pathNot: '\\.spec\\.ts$'
      },
      to: {
        path: `^${NODE_PACKAGE}/`,
        pathNot: `^${NODE_PACKAGE}/(base/(protocol|charts|statistics|errors\\.ts|lazily\\.ts)|measures)`
      }
    },
    {
      name: 'page-knows-protocol-and-charts',
      severity: 'error',
      comment:
        'The page imports from the Node package only moe-debugger/protocol and moe-debugger/charts.',
      from: { path: '^src/' },
      to: {
        path: '^kernel-bridge/',
        pathNot: '^kernel-bridge/(src|lib)/base/(protocol|charts)/'
      }
    },
    {
      name: 'kernel-does-not-know-the-page',
      severity: 'error',
      comment:
        'The Node package runs without a page: share it through base/protocol.',
      from: { path: '^kernel-bridge/' },
      to: { path: '^src/' }
    },
    {
      name: 'no-import-of-what-is-not-there',
      severity: 'error',
      comment:
        'The imported file or package does not exist, or is not a dependency.',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\.(svg|css)$|^moe-debugger/' }
    }
  ],
  options: {
    doNotFollow: { path: 'node_modules|kernel-bridge/lib' },
    exclude: { path: '\\.spec\\.tsx?$|/testing/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types']
    }
  }
};
