/**
 * What is true of every field of every document: a wrong value is refused by the field's name, a field that may be
 * absent or null is read as it is, and nothing else may be.
 */
import { isDeepStrictEqual } from 'node:util';
import * as documents from '../../../test/protocol-documents';
import {
  ProtocolError,
  decodeView,
  encodeSample,
  readAttributionState,
  readCircuitState,
  readExpertsState,
  readFindingsState,
  readLensState,
  readSteeringState,
  readSweepState,
  readTraceFigure
} from '.';

interface Kind {
  document: object;
  /** The document as it was read, in its own form. */
  read: (value: unknown) => unknown;
  /** Fields that may be absent, by path; `[]` names the entries of a list where it is not followed by a key. */
  optional: string[];
  nullable: string[];
  /** Numbers of any sign, with fractions; all others are counts. */
  numbers: string[];
  /** Texts of which only some are allowed. */
  words: string[];
  /** What is not read: it follows from other fields, or is the same in all. */
  ignored?: string[];
  /** Fields whose absence or null is read as something else, or goes with another field. */
  tied?: string[];
}

const EDITED = ['original', 'refusal', 'refusal.row'];
const EDITED_WORDS = ['original.status'];
const EFFECT = ['klMean', 'klLast', 'deltaLogProb', 'deltaRank'];
const RANKED = ['logit', 'probability'];
const below = (at: string, keys: string[]) => keys.map(key => `${at}.${key}`);

const KINDS: Record<string, Kind> = {
  experts: {
    document: documents.experts,
    read: readExpertsState,
    optional: [
      'original.tokens.text',
      'original.rates',
      'rows.stack',
      'rows.module',
      'edits.to'
    ],
    nullable: [...EDITED, 'topK[]', 'traced'],
    numbers: ['original.rates', 'traced'],
    words: [...EDITED_WORDS, 'rows.stack', 'edits.kind']
  },
  steering: {
    document: documents.steering,
    read: readSteeringState,
    optional: ['original.tokens.text', 'rows.stack'],
    nullable: [...EDITED, 'contrast'],
    numbers: ['rows.norm', 'rows.scale'],
    words: [...EDITED_WORDS, 'rows.stack']
  },
  lens: {
    document: documents.lens,
    read: readLensState,
    optional: [
      'shown',
      'lens.tokens.text',
      'lens.layers.stack',
      'lens.experts.stack',
      'lens.experts.module',
      'lens.experts.positions.votes.top.text'
    ],
    nullable: [
      'lens.layers.readings.entropy',
      'lens.layers.readings.klToFinal',
      'lens.layers.readings.rankOfFinal',
      'lens.experts.positions.votes.weight',
      ...below('lens.experts.positions.votes.top', RANKED)
    ],
    numbers: [
      'lens.layers.readings.entropy',
      'lens.layers.readings.klToFinal',
      'lens.layers.readings.rankOfFinal',
      'lens.experts.positions.votes.weight',
      ...below('lens.layers.readings.top', RANKED),
      ...below('lens.experts.positions.votes.top', RANKED)
    ],
    words: ['lens.layers.stack', 'lens.experts.stack', 'lens.experts.score'],
    ignored: ['lens.layers.top', 'lens.layers.top.*'],
    // The top tokens of a layer are those of its last reading; without a lens nothing of it is shown.
    tied: ['lens', ...below('lens.layers.readings.top', ['text', ...RANKED])]
  },
  sweep: {
    document: documents.sweep,
    read: readSweepState,
    optional: [
      'sweep.rows.domains',
      'sweep.rows.tokens.text',
      'sweep.rows.tokens.before'
    ],
    nullable: [
      'sweep',
      ...below('sweep.rows', EFFECT),
      ...below('sweep.rows.domains', EFFECT)
    ],
    numbers: [
      ...below('sweep.rows', EFFECT),
      ...below('sweep.rows.domains', EFFECT),
      'sweep.rows.tokens.kl'
    ],
    words: [
      'mode',
      'sweep.mode',
      'sweep.routers.stack',
      'sweep.rows.stack',
      'sweep.rows.mode'
    ],
    ignored: ['sweep.schema'],
    // A row has the place of a router.
    tied: [
      ...below('sweep.routers', ['stack', 'module']),
      ...below('sweep.rows', ['stack', 'module', 'tokens.kl'])
    ]
  },
  attribution: {
    document: documents.attribution,
    read: readAttributionState,
    optional: [
      'question.target.stack',
      'question.target.module',
      ...below('attribution', [
        'target.text',
        'rule',
        'steps',
        'batch',
        'tokens.text',
        'routingChanges',
        'jumps',
        'resolved',
        'faithfulness',
        'layers',
        'layers.stack',
        'experts',
        'experts.stack',
        'experts.module'
      ]),
      'choices.logits.top.text',
      'choices.logits.actual.text',
      'choices.routers.stack',
      'choices.routers.module'
    ],
    nullable: [
      'question.target',
      'question.target.position',
      'attribution',
      'choices',
      'choices.logits.actual',
      ...below('choices.logits.top', RANKED),
      ...below('choices.logits.actual', RANKED),
      'refusal'
    ],
    numbers: [
      ...below('attribution', [
        'tokens.attribution',
        'value',
        'baselineValue',
        'gap',
        'jumps',
        'layers.attribution',
        'experts.weight',
        'experts.attribution'
      ]),
      ...below('attribution.faithfulness', [
        'counts',
        'deletion',
        'insertion',
        'deletionMean',
        'insertionMean',
        'random.deletionMean',
        'random.deletionDeviation',
        'random.insertionMean',
        'random.insertionDeviation'
      ]),
      ...below('choices.logits.top', RANKED),
      ...below('choices.logits.actual', RANKED),
      'choices.routers.chosen.weight'
    ],
    words: [
      'question.target.kind',
      'question.target.stack',
      'question.method',
      'question.baseline.kind',
      ...below('attribution', [
        'target.kind',
        'method',
        'rule',
        'layers.stack',
        'experts.stack'
      ]),
      'choices.routers.stack'
    ],
    ignored: ['attribution.schema', 'attribution.baseline.token']
  },
  circuit: {
    document: documents.circuit,
    read: readCircuitState,
    optional: [
      'shown',
      ...below('circuit', [
        'clean.text',
        'corrupted.text',
        'target.token',
        'target.text',
        'target.against',
        'target.againstText',
        'target.layer',
        'target.stack',
        'target.module',
        'target.expert',
        'nodes.layer',
        'nodes.stack',
        'nodes.index',
        'nodes.within',
        'nodes.effects',
        'nodes.patched',
        'nodes.patchedAt',
        'edges.input',
        'faithfulness',
        'faithfulness.points.random',
        'correlation',
        'correlation.cells',
        'correlation.nodes'
      ])
    ],
    nullable: [
      'question.target.position',
      'circuit',
      ...below('circuit', [
        'nodes.effect',
        'nodes.effects[]',
        'nodes.patched',
        'nodes.patchedAt[]'
      ]),
      ...below('circuit.faithfulness.points', [
        'threshold',
        'value',
        'faithfulness',
        'random.mean',
        'random.deviation'
      ]),
      ...below('circuit.correlation.cells', [
        'pearson',
        'spearman',
        'sameSign'
      ]),
      ...below('circuit.correlation.nodes', [
        'pearson',
        'spearman',
        'sameSign'
      ]),
      'patches.position',
      'patches.effect',
      'refusal',
      'shown.node'
    ],
    numbers: [
      ...below('circuit', [
        'values.clean',
        'values.corrupted',
        'nodes.effect',
        'nodes.effects',
        'nodes.patched',
        'nodes.patchedAt',
        'edges.effect',
        'threshold'
      ]),
      ...below('circuit.faithfulness.points', [
        'threshold',
        'value',
        'faithfulness',
        'random.mean',
        'random.deviation'
      ]),
      ...below('circuit.correlation.cells', [
        'pearson',
        'spearman',
        'sameSign'
      ]),
      ...below('circuit.correlation.nodes', [
        'pearson',
        'spearman',
        'sameSign'
      ]),
      'patches.effect'
    ],
    words: [
      'question.other',
      'question.target.kind',
      'question.direction',
      ...below('circuit', [
        'schema',
        'target.kind',
        'target.stack',
        'direction',
        'nodes.kind',
        'nodes.stack',
        'edges.input',
        'faithfulness.of'
      ])
    ]
  },
  findings: {
    document: documents.findings,
    read: readFindingsState,
    optional: below('found', [
      'model',
      'integrity',
      'findings.stack',
      'findings.module',
      'findings.evidence.tokens',
      'findings.evidence.tokens.text',
      'findings.evidence.tokens.count',
      'undecided.stack',
      'undecided.module',
      'checks.why'
    ]),
    nullable: [
      'found.findings.value',
      'found.findings.threshold',
      'found.undecided.value',
      'found.checks.threshold'
    ],
    numbers: [
      'found.findings.value',
      'found.findings.threshold',
      'found.undecided.value',
      'found.undecided.threshold',
      'found.checks.threshold'
    ],
    words: [
      'found.integrity',
      'found.findings.severity',
      'found.findings.stack',
      'found.findings.suggestions.action',
      'found.undecided.stack'
    ],
    ignored: ['found.findings.suggestions.data'],
    tied: ['found.checks', 'found.undecided.threshold']
  },
  matrix: {
    document: documents.figure,
    read: readTraceFigure,
    optional: ['drawing.domain'],
    nullable: ['drawing.x.title', 'drawing.y.title', 'drawing.values[]'],
    numbers: ['drawing.values', 'drawing.domain'],
    words: ['name', 'drawing.kind']
  },
  intervals: {
    document: documents.intervals,
    read: readTraceFigure,
    optional: [],
    nullable: [],
    numbers: [
      'drawing.uniform',
      'drawing.rows.tokenRate',
      'drawing.rows.low',
      'drawing.rows.high'
    ],
    words: ['name', 'drawing.kind']
  },
  view: {
    document: documents.view,
    read: value => {
      const { samples, ...rest } = decodeView(value);
      return { ...rest, samples: samples.map(sample => encodeSample(sample)) };
    },
    optional: [
      'coverage',
      ...below('samples', [
        'domain',
        'tokens.text',
        'encoderTokens.text',
        'layers.module'
      ])
    ],
    nullable: [],
    numbers: [],
    words: [
      'samples.layers.stack',
      'samples.layers.score',
      'samples.layers.logitsAre'
    ],
    // What a page has instead of a wrong one is tested in view.spec.ts, and arrays in arrays.spec.ts.
    ignored: [
      'version',
      'view',
      'model',
      'samples',
      'state',
      'state.*',
      'widget',
      'truncated',
      'samples.layers.logits',
      'samples.layers.logits.*',
      'samples.layers.selected',
      'samples.layers.selected.*',
      'samples.layers.weights',
      'samples.layers.weights.*'
    ],
    // Arrays have as many rows as there are tokens.
    tied: [...below('samples', ['tokens', 'encoderTokens', 'layers.stack'])]
  }
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Field {
  path: string;
  keys: (string | number)[];
  value: Json;
}

/** All fields of a document, at all depths; of a list only the largest entry, which has the fields of the others. */
function fieldsOf(value: Json, path = '', keys: Field['keys'] = []): Field[] {
  const own = keys.length === 0 ? [] : [{ path, keys, value }];
  if (Array.isArray(value)) {
    const sizes = value.map(entry => JSON.stringify(entry).length);
    const largest = sizes.indexOf(Math.max(...sizes));
    return largest < 0
      ? own
      : [...own, ...fieldsOf(value[largest], `${path}[]`, [...keys, largest])];
  }
  if (typeof value !== 'object' || value === null) {
    return own;
  }
  const parent = path === '' ? '' : `${path.replace(/(\[\])+$/, '')}.`;
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, entry]) =>
      fieldsOf(entry, `${parent}${key}`, [...keys, key])
    )
  ];
}

const copied = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The document with another value in a field, or without it. */
function changed(document: object, { keys }: Field, value?: unknown): object {
  const copy = copied(document);
  let at = copy as Record<string | number, unknown>;
  for (const key of keys.slice(0, -1)) {
    at = at[key] as Record<string | number, unknown>;
  }
  const last = keys[keys.length - 1];
  if (value === undefined) {
    delete at[last];
  } else {
    at[last] = value;
  }
  return copy;
}

/** What a reader makes of a document in which a field was changed. */
function outcome({ read }: Kind, document: object, { keys }: Field): string {
  let found: unknown;
  try {
    found = read(document);
  } catch (error) {
    const name = [...keys].reverse().find(key => typeof key === 'string');
    return !(error instanceof ProtocolError)
      ? `not a ProtocolError: ${String(error)}`
      : new RegExp(`^(the )?\\S*\\b${name}(\\[\\d+\\])* `).test(error.message)
        ? 'refused by name'
        : `refused: ${error.message}`;
  }
  return isDeepStrictEqual(copied(found), document)
    ? 'read as it is'
    : 'read as something else';
}

/** Values that no field of this type may have. */
function wrong({ numbers, words }: Kind, { value, path }: Field): unknown[] {
  if (typeof value === 'object' && value !== null) {
    return [7, 'text', Array.isArray(value) ? {} : []];
  }
  switch (typeof value) {
    case 'number':
      return [
        '1',
        {},
        [],
        true,
        NaN,
        Infinity,
        ...(numbers.includes(path.replaceAll('[]', '')) ? [] : [0.5, -2, 1e17])
      ];
    case 'boolean':
      return [1, 'true', {}];
    default:
      return [1, {}, [], true, ...(words.includes(path) ? ['unheard of'] : [])];
  }
}

describe.each(Object.entries(KINDS))('the document %s', (_, kind) => {
  const { document, optional, nullable, ignored = [], tied = [] } = kind;
  const fields = fieldsOf(document as Json).filter(
    ({ path, value }) =>
      value !== null &&
      !ignored.some(own => path === own || path.startsWith(`${own}[`)) &&
      !ignored.some(
        own => own.endsWith('.*') && path.startsWith(own.slice(0, -1))
      )
  );

  /** The changes that did not come out as they have to. */
  const failing = (
    changes: readonly [Field, unknown, string][]
  ): [string, string, string][] => {
    const came = changes.map(
      ([field, value, right]): [string, string, string, string] => [
        field.path,
        JSON.stringify(value) ?? 'absent',
        outcome(kind, changed(document, field, value), field),
        right
      ]
    );
    return came
      .filter(([, , out, right]) => out !== right)
      .map(([path, value, out]) => [path, value, out]);
  };

  it('is read as it is', () => {
    expect(kind.read(copied(document))).toEqual(document);
    expect(fields.length).toBeGreaterThan(5);
  });

  it('is refused by the name of a field that has a wrong value', () => {
    expect(
      failing(
        fields.flatMap(field =>
          wrong(kind, field).map((value): [Field, unknown, string] => [
            field,
            value,
            'refused by name'
          ])
        )
      )
    ).toEqual([]);
  });

  it('may lack the optional fields, and no other', () => {
    expect(
      failing(
        fields
          .filter(({ path }) => !path.endsWith(']') && !tied.includes(path))
          .map(field => [
            field,
            undefined,
            optional.includes(field.path) ? 'read as it is' : 'refused by name'
          ])
      )
    ).toEqual([]);
  });

  it('may have null in some fields, and in no other', () => {
    expect(
      failing(
        fields
          .filter(({ path }) => !tied.includes(path))
          .map(field => [
            field,
            null,
            nullable.includes(field.path) ? 'read as it is' : 'refused by name'
          ])
      )
    ).toEqual([]);
  });

  it('has the fields that are named here', () => {
    const paths = new Set(fields.map(({ path }) => path.replaceAll('[]', '')));
    expect(
      [...optional, ...nullable, ...kind.numbers, ...kind.words].filter(
        path => !paths.has(path.replaceAll('[]', ''))
      )
    ).toEqual([]);
  });
});
