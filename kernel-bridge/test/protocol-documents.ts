/** A full document of each kind that the protocol reads: every optional field is there, every list has entries. */
import {
  PROTOCOL_VERSION,
  encodeSample,
  type EncodedView,
  type FindingsState,
  type TraceFigure
} from '../src/base/protocol';

export * from './tool-states';

const subject = {
  kind: 'dead-expert' as const,
  layer: 2,
  stack: 'decoder' as const,
  module: 'mlp',
  experts: [3]
};

export const findings: FindingsState = {
  running: false,
  omitted: 1,
  found: {
    integrity: 'unverified',
    model: 'demo',
    tokens: 12000,
    samples: 3,
    findings: [
      {
        ...subject,
        severity: 'error',
        metric: 'tokenRate',
        formula: 'selections / tokens',
        value: 0,
        threshold: 0.01,
        message: 'Expert 3 takes no token.',
        evidence: {
          tokens: [{ sample: 't', position: 0, id: 7, text: 'def', count: 2 }]
        },
        suggestions: [{ action: 'prune', text: 'Remove it.', data: null }]
      }
    ],
    undecided: [
      { ...subject, value: 0.5, threshold: 0.25, reason: 'too little text' }
    ],
    checks: [
      {
        kind: 'drift',
        looked: false,
        why: 'one text only',
        count: 0,
        undecided: 1,
        threshold: 0.5,
        certainty: '95 %'
      }
    ],
    coverage: { routers: 2, routersWithWeights: 1 }
  }
};

export const figure: TraceFigure = {
  name: 'coactivation',
  layers: ['layer 0', 'layer 1'],
  layerIndex: 1,
  drawing: {
    kind: 'matrix',
    title: 't',
    subtitle: 's',
    x: { title: 'expert', labels: ['0', '1'] },
    y: { title: 'domain', labels: ['a'] },
    values: [0.25, 0.5],
    measure: 'share',
    domain: [-1, 1]
  },
  text: 'in words'
};

export const intervals: TraceFigure = {
  ...figure,
  name: 'loads',
  drawing: {
    kind: 'intervals',
    title: 't',
    subtitle: 's',
    uniform: 0.5,
    rows: [{ expert: 0, selections: 3, tokenRate: 0.5, low: 0.1, high: 0.9 }]
  }
};

/** Two tokens of a decoder, one of its encoder, with a router each. */
export const view: EncodedView = {
  version: PROTOCOL_VERSION,
  view: 'explorer',
  model: 'demo',
  samples: [
    encodeSample({
      id: 's',
      domain: 'code',
      tokens: [
        { position: 0, id: 1, text: 'a' },
        { position: 1, id: 2, text: 'b' }
      ],
      encoderTokens: [{ position: 0, id: 3, text: 'c' }],
      layers: [
        {
          layer: 1,
          stack: 'encoder',
          module: 'mlp',
          experts: 3,
          topK: 1,
          score: 'softmax',
          logitsAre: 'logits',
          logits: Float32Array.of(0, 1, 2),
          selected: Int32Array.of(2),
          weights: Float32Array.of(0.5)
        },
        {
          layer: 0,
          stack: 'decoder',
          module: 'attention',
          experts: 2,
          topK: 2,
          score: 'sigmoid',
          logitsAre: 'probabilities',
          logits: Float32Array.of(0.5, 0.25, 1, 0),
          selected: Int32Array.of(0, 1, 0, -1),
          weights: Float32Array.of(0.75, 0.25, 1, 0)
        }
      ]
    })
  ],
  state: { layerIndex: 1, measure: 'probability' },
  widget: 'w',
  coverage: { moeLayers: 2, layersCaptured: 2, tokens: 3, slots: 5 },
  truncated: 'without logits'
};
