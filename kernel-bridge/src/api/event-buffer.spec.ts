import { EventBuffer } from './event-buffer';

it('keeps the last events, evenly sampled', () => {
  const event = (tokenPosition: number) => ({
    timestamp: 0,
    sessionId: '',
    layerIdx: 0,
    tokenPosition,
    tokenText: '',
    expertWeights: [],
    selectedExperts: [],
    routingConfidence: 0
  });
  const buffer = new EventBuffer(3, 0.5);
  for (let i = 0; i < 10; i++) {
    buffer.add(event(i));
  }
  expect(buffer.events.map(({ tokenPosition }) => tokenPosition)).toEqual([
    5, 7, 9
  ]);
  expect(buffer.seen).toBe(10);
});
