/** What the inputs for edits are fed, entry by entry; test/edits.spec.ts compares what models do with it with PyTorch. */
import type { Router } from '../../routing/convention';
import type { EditRecord } from './edits';
import { RunEdits } from './run-edits';
import type { RouterSlots } from './slots';
import type { StreamEdits } from './stream-edits';

const EXPERTS = 4;
const K = 2;
const slots = (more: Partial<RouterSlots> = {}): RouterSlots => ({
  bias: { input: 'bias' },
  selectionBias: { input: 'selection' },
  mask: { input: 'mask' },
  scale: { input: 'scale' },
  map: { input: 'map' },
  force: { input: 'force' },
  forceWeights: 'weights',
  topK: { input: 'k' },
  ...more
});
const STREAM = { feeds: () => ({}) } as unknown as StreamEdits;
const step = (tokens: number): Parameters<RunEdits['feeds']>[0] => ({
  ids: [Array.from({ length: tokens }, () => 7)],
  positions: [Array.from({ length: tokens }, (_, i) => i)],
  mask: [Array.from({ length: tokens }, () => 1)],
  cached: 0
});

function fed(
  records: object[],
  more: Partial<RouterSlots> = {},
  tensors: object = { weights: ['w'] },
  tokens = 3
): Record<string, { dims: readonly number[]; data: number[] }> {
  const placed = records.map(record => ({ layer: 0, ...record }) as EditRecord);
  const edits = new RunEdits(
    [{ layer: 0, experts: EXPERTS, topK: K, tensors } as unknown as Router],
    [slots(more)],
    [{ records: placed, topK: K }] as never,
    STREAM,
    placed
  );
  return Object.fromEntries(
    Object.entries(edits.feeds(step(tokens))).map(([name, { dims, data }]) => [
      name,
      { dims, data: Array.from(data as ArrayLike<number>, Number) }
    ])
  );
}

const SCALES = [1, 1, 1, 1];
const OWN = [0, 1, 2, 3];

describe('the inputs for edits', () => {
  it('mean nothing where nothing is edited', () => {
    expect(fed([])).toEqual({
      bias: { dims: [1, 4], data: [0, 0, 0, 0] },
      selection: { dims: [1, 4], data: [0, 0, 0, 0] },
      mask: { dims: [1, 4], data: [0, 0, 0, 0] },
      scale: { dims: [1, 4], data: SCALES },
      map: { dims: [1, 4], data: OWN },
      force: { dims: [1, 2], data: [-1, -1] },
      weights: { dims: [1, 2], data: [0, 0] },
      k: { dims: [1], data: [2] }
    });
  });

  it.each<[string, object, string, number[]]>([
    ['a bias', { kind: 'bias', expert: 2, value: 0.5 }, 'bias', [0, 0, 0.5, 0]],
    [
      'a selection bias',
      { kind: 'selectionBias', expert: 1, value: -2 },
      'selection',
      [0, -2, 0, 0]
    ],
    [
      'a scale',
      { kind: 'scale', expert: 3, value: 0.25 },
      'scale',
      [1, 1, 1, 0.25]
    ],
    [
      'an expert that is masked',
      { kind: 'ablate', mode: 'mask', expert: 0 },
      'mask',
      [1, 0, 0, 0]
    ],
    [
      'an expert that is dropped',
      { kind: 'ablate', mode: 'drop', expert: 0 },
      'scale',
      [0, 1, 1, 1]
    ],
    [
      'an expert in place of another',
      { kind: 'ablate', mode: 'swap', expert: 1, to: 3 },
      'map',
      [0, 3, 2, 3]
    ]
  ])('hold %s and leave the others alone', (_what, record, name, data) => {
    expect(fed([record])).toEqual({
      ...fed([]),
      [name]: { dims: [1, 4], data }
    });
  });

  it('hold a row a token where an edit has tokens', () => {
    const { mask, bias } = fed([
      { kind: 'ablate', mode: 'mask', expert: 1, tokens: [1, 2] },
      { kind: 'bias', expert: 0, value: 3 }
    ]);
    expect(mask).toEqual({
      dims: [3, 4],
      data: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    });
    expect(bias).toEqual({
      dims: [3, 4],
      data: [3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]
    });
  });

  const FORCED = { kind: 'force', expert: 3 };

  it('force an expert with a weight of 1 beside distinct ones of weight 0', () => {
    const { force, weights, scale, mask } = fed([FORCED]);
    expect(force.data).toEqual([3, 0]);
    expect(weights.data).toEqual([1, 0]);
    expect(scale.data).toEqual(SCALES);
    expect(mask.data).toEqual([0, 0, 0, 0]);
  });

  it('force an expert by its dense weight where all experts have one', () => {
    const { scale, weights } = fed([FORCED], {}, { weights: null });
    expect(scale.data).toEqual([0, 0, 0, 0]);
    expect(weights).toEqual({ dims: [1, 4], data: [0, 0, 0, 1] });
  });

  describe('of an operator that computes weights from logits', () => {
    const BY_LOGITS = {
      forcedByLogits: true,
      force: { refused: 'fused' },
      forceWeights: undefined
    } as const;

    it('force an expert by masking all others', () => {
      const { mask, scale } = fed([FORCED], BY_LOGITS);
      expect(mask.data).toEqual([1, 1, 1, 0]);
      expect(scale.data).toEqual(SCALES);
    });

    it('do nothing else for other edits', () => {
      const { mask } = fed(
        [{ kind: 'ablate', mode: 'mask', expert: 2 }],
        BY_LOGITS
      );
      expect(mask.data).toEqual([0, 0, 1, 0]);
    });
  });
});
