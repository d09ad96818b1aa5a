import { pauses } from './pause';

it('lets timers fire during long synchronous work', async () => {
  let fired = 0;
  const timer = setInterval(() => fired++, 1);
  const pause = pauses();
  let waits = 0;
  for (const end = performance.now() + 200; performance.now() < end;) {
    const rest = pause();
    if (rest) {
      waits++;
      await rest;
    }
  }
  clearInterval(timer);
  // Every 20 ms, give or take a busy machine; and most calls do not wait.
  expect(fired).toBeGreaterThanOrEqual(2);
  expect(waits).toBeLessThanOrEqual(11);
});
