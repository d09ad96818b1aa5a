import { extractBuffers, insertBuffers } from './buffers';
import type { RoutingLayer } from './routing';
import { decodeRows, encodeRows, type TraceRows } from './rows';
import { phaseTime, readSteps, type RunStep } from './steps';

const LAYER: RoutingLayer = {
  layer: 3,
  experts: 4,
  topK: 2,
  score: 'softmax',
  logitsAre: 'logits',
  logits: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  selected: Int32Array.of(3, 2, 3, -1),
  weights: Float32Array.of(0.75, 0.25, 1, 0)
};

const ENCODER: RoutingLayer = {
  ...LAYER,
  layer: 0,
  stack: 'encoder',
  logits: new Float32Array(0),
  selected: new Int32Array(0),
  weights: new Float32Array(0)
};

const STEP: RunStep = {
  phase: 'decode',
  tokens: 1,
  captured: 1,
  timestamp: 1234.5,
  milliseconds: 4.25
};

const ROWS: TraceRows = {
  trace: 'a trace',
  from: 7,
  skipped: [{ position: 7, id: 1 }],
  tokens: [
    { position: 8, id: 2, text: 'b' },
    { position: 9, id: 3, text: 'c' }
  ],
  layers: [ENCODER, LAYER],
  steps: [STEP, STEP, STEP]
};

/** As the other side gets them. */
function sent(options?: { withoutLogits: boolean }): Record<string, unknown> {
  const { state, bufferPaths, buffers } = extractBuffers(
    encodeRows(ROWS, options)
  );
  const received = JSON.parse(JSON.stringify(state)) as Record<string, unknown>;
  insertBuffers(received, bufferPaths, buffers);
  return received;
}

describe('rows', () => {
  it('arrive as they were sent', () => {
    expect(decodeRows(sent())).toEqual(ROWS);
  });

  it('can go without their logits', () => {
    expect(decodeRows(sent({ withoutLogits: true }))).toEqual({
      ...ROWS,
      layers: [ENCODER, { ...LAYER, logits: new Float32Array(0) }]
    });
  });

  it.each<[string, (rows: Record<string, unknown>) => void, RegExp]>([
    ['another version', rows => (rows.version = 2), /version 2/],
    ['no trace', rows => (rows.trace = 5), /rows.trace/],
    ['a long id', rows => (rows.trace = 'x'.repeat(201)), /rows.trace/],
    ['a place before the first', rows => (rows.from = -1), /rows.from/],
    ['no steps', rows => (rows.steps = undefined), /rows.steps/],
    [
      'another phase',
      rows => (rows.steps = [{ ...STEP, phase: 'train' }]),
      /phase/
    ],
    [
      'a time that is none',
      rows => (rows.steps = [{ ...STEP, timestamp: NaN }]),
      /timestamp/
    ],
    [
      'more tokens than routing',
      rows =>
        (rows.sample as { tokens: unknown[] }).tokens.push({
          position: 10,
          id: 4
        }),
      /shape/
    ]
  ])('are refused with %s', (_, damage, message) => {
    const rows = sent();
    damage(rows);
    expect(() => decodeRows(rows)).toThrow(message);
  });
});

describe('steps', () => {
  it('are counted by phase', () => {
    const steps: RunStep[] = [
      { ...STEP, phase: 'prefill', tokens: 30, milliseconds: 60 },
      { ...STEP, milliseconds: 4 },
      { ...STEP, milliseconds: 6 }
    ];
    expect(readSteps(JSON.parse(JSON.stringify(steps)), 'steps')).toEqual(
      steps
    );
    expect(phaseTime(steps, 'prefill')).toEqual({
      steps: 1,
      tokens: 30,
      milliseconds: 60,
      tokensPerSecond: 500
    });
    expect(phaseTime(steps, 'decode')).toEqual({
      steps: 2,
      tokens: 2,
      milliseconds: 10,
      tokensPerSecond: 200
    });
    expect(phaseTime([], 'decode').tokensPerSecond).toBe(0);
  });
});
