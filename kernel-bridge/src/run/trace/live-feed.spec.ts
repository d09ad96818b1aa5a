import {
  decodeRows,
  insertBuffers,
  extractBuffers,
  type RoutingLayer,
  type RoutingSample,
  type TraceRows
} from '../../base/protocol';
import { SequenceRecord } from '../generation/sequence-record';
import { FEED_LIMITS, LiveFeed, thin, type FeedMessage } from './live-feed';
import { RunningTrace } from './running-trace';

const EXPERTS = 4;

/** A generation whose token n takes expert n modulo 4 with weight n. */
class Written {
  readonly record = new SequenceRecord();
  readonly running = new RunningTrace({
    id: 'trace',
    model: 'tiny',
    label: 'a prompt',
    edits: 0,
    created: new Date(0),
    moeLayers: 1,
    source: {
      steps: this.record.steps,
      record: this.record,
      get captured(): number {
        return this.record.positions.length;
      },
      sample(): RoutingSample {
        return {
          id: '0',
          tokens: this.tokensFrom(0),
          layers: this.layersFrom(0)
        };
      },
      tokensFrom(from: number) {
        return this.record.positions
          .slice(from)
          .map(position => ({ position, id: 10 + position }));
      },
      layersFrom(from: number) {
        return this.record.layers(from);
      }
    } as RunningSourceWithRecord
  });

  write(tokens: number): void {
    const first = this.record.run;
    const numbers = Array.from({ length: tokens }, (_, i) => first + i);
    this.record.add(
      { layers: [layerOf(numbers)], captured: numbers.map((_, i) => i) },
      {
        phase: first === 0 ? 'prefill' : 'decode',
        tokens,
        captured: tokens,
        timestamp: 1000 + first,
        milliseconds: 1
      }
    );
    this.running.stepped();
  }
}

type RunningSourceWithRecord = RunningTrace.IOptions['source'] & {
  record: SequenceRecord;
};

function layerOf(numbers: readonly number[]): RoutingLayer {
  return {
    layer: 0,
    experts: EXPERTS,
    topK: 1,
    score: 'softmax',
    logitsAre: 'logits',
    logits: Float32Array.from(
      { length: numbers.length * EXPERTS },
      (_, i) => numbers[Math.floor(i / EXPERTS)]
    ),
    selected: Int32Array.from(numbers, n => n % EXPERTS),
    weights: Float32Array.from(numbers)
  };
}

/** As a page gets it. */
function read({ rows }: FeedMessage): TraceRows {
  const { state, bufferPaths, buffers } = extractBuffers(rows);
  const received = JSON.parse(JSON.stringify(state)) as object;
  insertBuffers(received, bufferPaths, buffers);
  return decodeRows(received);
}

const positions = ({ tokens }: TraceRows): number[] =>
  tokens.map(({ position }) => position);

describe('LiveFeed', () => {
  beforeEach(() => void jest.useFakeTimers({ now: 0 }));
  afterEach(() => void jest.useRealTimers());

  function follow(limits: Partial<typeof FEED_LIMITS> = {}) {
    const written = new Written();
    written.write(3);
    const sent: FeedMessage[] = [];
    const feed = new LiveFeed(
      written.running,
      { rows: 3, steps: 1 },
      message => sent.push(message),
      { ...FEED_LIMITS, interval: 16, ...limits }
    );
    return { written, sent, feed, write: (n = 1) => written.write(n) };
  }

  it('sends a row at once, and those of the same frame together', () => {
    const { sent, write } = follow();
    expect(sent).toEqual([]);
    write();
    expect(sent.map(message => positions(read(message)))).toEqual([[3]]);
    write();
    write();
    expect(sent).toHaveLength(1);
    jest.advanceTimersByTime(16);
    expect(sent.map(message => positions(read(message)))).toEqual([
      [3],
      [4, 5]
    ]);
    const last = read(sent[1]);
    expect(last).toMatchObject({ trace: 'trace', from: 4, skipped: [] });
    expect([...last.layers[0].selected]).toEqual([0, 1]);
    expect([...last.layers[0].weights]).toEqual([4, 5]);
    expect(last.layers[0].logits).toHaveLength(2 * EXPERTS);
    expect(
      last.steps.map(({ phase, timestamp }) => [phase, timestamp])
    ).toEqual([
      ['decode', 1004],
      ['decode', 1005]
    ]);
  });

  it('waits for a reader that does not answer, and then sends what came meanwhile in one message', () => {
    const { sent, feed, write } = follow({ unanswered: 2 });
    for (let i = 0; i < 10; i++) {
      write();
      jest.advanceTimersByTime(100);
    }
    expect(sent.map(message => positions(read(message)))).toEqual([[3], [4]]);
    feed.answer(1);
    expect(positions(read(sent[2]))).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    // An answer to what was never sent does not open the window further.
    feed.answer(1_000_000);
    jest.advanceTimersByTime(100);
    write();
    jest.advanceTimersByTime(100);
    write();
    jest.advanceTimersByTime(100);
    write();
    jest.advanceTimersByTime(100);
    expect(sent).toHaveLength(5);
  });

  it('sends the rest when the trace ends, and nothing after it was disposed', () => {
    const { written, sent, feed, write } = follow();
    write();
    write();
    written.running.end();
    expect(sent.map(message => positions(read(message)))).toEqual([[3], [4]]);
    const other = follow();
    other.write();
    other.write();
    other.feed.dispose();
    jest.advanceTimersByTime(100);
    expect(other.sent).toHaveLength(1);
    feed.dispose();
  });

  it('stays below a number of bytes in a second', () => {
    // 24 bytes a row: 12 rows fit into 288 bytes.
    const { sent, write } = follow({ bytesPerSecond: 288 });
    write(6);
    expect(sent).toHaveLength(1);
    write();
    jest.advanceTimersByTime(499);
    expect(sent).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(sent).toHaveLength(2);
  });
});

describe('thin', () => {
  const rows = (count: number): TraceRows => {
    const written = new Written();
    written.write(1);
    for (let i = 0; i < count; i++) {
      written.write(1);
    }
    return written.running.rows(1, 1);
  };

  // A row of this model: 4 logits, 1 expert and 1 weight of 4 bytes each.
  it('leaves out nothing where there is room', () => {
    const given = rows(10);
    expect(thin(given, 240)).toEqual({
      rows: given,
      withoutLogits: false,
      bytes: 240
    });
  });

  it('leaves out the logits first', () => {
    const given = rows(10);
    expect(thin(given, 239)).toEqual({
      rows: given,
      withoutLogits: true,
      bytes: 80
    });
  });

  it('leaves out the routing of the oldest rows next, but never their tokens', () => {
    const thinned = thin(rows(10), 32);
    expect(thinned.rows.skipped.map(({ position }) => position)).toEqual([
      1, 2, 3, 4, 5, 6
    ]);
    expect(positions(thinned.rows)).toEqual([7, 8, 9, 10]);
    expect([...thinned.rows.layers[0].weights]).toEqual([7, 8, 9, 10]);
    expect(thinned.rows.steps).toHaveLength(10);
    expect(thin(rows(3), 1).rows.tokens).toHaveLength(1);
  });
});
