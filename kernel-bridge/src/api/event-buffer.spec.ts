import { EventBuffer } from './event-buffer';

const event = (tokenPosition: number, tokenText = '') => ({
  timestamp: 0,
  sessionId: '',
  layerIdx: 0,
  tokenPosition,
  tokenText,
  expertWeights: [],
  selectedExperts: [],
  routingConfidence: 0
});

const positions = (buffer: EventBuffer) =>
  buffer.events.map(({ tokenPosition }) => tokenPosition);

describe('EventBuffer', () => {
  it('keeps the newest events, the oldest first', () => {
    const buffer = new EventBuffer(3);
    for (let i = 0; i < 10; i++) {
      buffer.add([event(i)]);
      expect(positions(buffer)).toEqual(
        [i - 2, i - 1, i].filter(position => position >= 0)
      );
    }
    buffer.add([10, 11, 12, 13].map(i => event(i)));
    expect(positions(buffer)).toEqual([11, 12, 13]);
    expect(buffer).toHaveLength(3);
  });

  it('counts the bytes of what it keeps, and lets go of the oldest on demand', () => {
    const buffer = new EventBuffer(100);
    buffer.add([event(0)]);
    const { bytes } = buffer;
    buffer.add([event(1, 'twelve chars')]);
    expect(buffer.bytes).toBe(2 * bytes + 24);
    buffer.drop(1);
    expect(positions(buffer)).toEqual([1]);
    expect(buffer.bytes).toBe(bytes + 24);
    buffer.drop(5);
    expect(buffer.bytes).toBe(0);
    expect(positions(buffer)).toEqual([]);
  });

  it('keeps nothing where it has no room', () => {
    const buffer = new EventBuffer(0);
    buffer.add([event(0)]);
    expect(positions(buffer)).toEqual([]);
    expect(buffer.bytes).toBe(0);
  });
});
