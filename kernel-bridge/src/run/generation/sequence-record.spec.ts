import type { RoutingLayer, RunStep } from '../../base/protocol';
import { SequenceRecord } from './sequence-record';

/** Token n takes expert n. */
function layer(numbers: readonly number[]): RoutingLayer {
  return {
    layer: 0,
    experts: 100,
    topK: 1,
    score: 'softmax',
    logitsAre: 'logits',
    logits: new Float32Array(numbers.length * 100),
    selected: Int32Array.from(numbers),
    weights: new Float32Array(numbers.length)
  };
}

function step(tokens: number, captured: number): RunStep {
  return { phase: 'decode', tokens, captured, timestamp: 0, milliseconds: 1 };
}

describe('SequenceRecord', () => {
  const record = new SequenceRecord();
  // A prompt of five tokens, two of them captured; then tokens 5 to 8, without 6.
  record.add({ layers: [layer([1, 4])], captured: [1, 4] }, step(5, 2));
  record.add({ layers: [layer([5])], captured: [0] }, step(1, 1));
  record.add({ layers: [], captured: [] }, step(1, 0));
  record.add({ layers: [layer([7])], captured: [0] }, step(1, 1));
  record.add({ layers: [layer([8])], captured: [0] }, step(1, 1));

  it('knows which tokens it has', () => {
    expect(record.positions).toEqual([1, 4, 5, 7, 8]);
    expect(record.run).toBe(9);
    expect(record.steps.map(({ captured }) => captured)).toEqual([
      2, 1, 0, 1, 1
    ]);
  });

  it.each([
    [0, [1, 4, 5, 7, 8]],
    [1, [4, 5, 7, 8]],
    [2, [5, 7, 8]],
    [3, [7, 8]],
    [5, []]
  ])('has the rows from %d on', (from, experts) => {
    expect([...record.layers(from)[0].selected]).toEqual(experts);
    expect(record.layers(from)[0].logits).toHaveLength(experts.length * 100);
  });

  it('has no routing of a last token that was not captured', () => {
    expect([...record.last[0].selected]).toEqual([8]);
    const other = new SequenceRecord();
    other.add({ layers: [layer([0])], captured: [0] }, step(1, 1));
    other.add({ layers: [], captured: [] }, step(1, 0));
    expect(other.last).toEqual([]);
  });
});
