/** Times of a session's runs. */
import { phaseTime } from '../base/protocol';
import type { RoutingTrace } from '../run/trace/routing-trace';
import type { PerformanceMetrics } from './records';

/**
 * @param totalTime milliseconds
 * @param cached the result was known, and nothing was run
 */
export function performanceOf(
  trace: RoutingTrace,
  sessionId: string,
  totalTime: number,
  cached = false
): PerformanceMetrics {
  const { coverage, timing } = trace;
  const tokens = coverage.tokensRun ?? coverage.tokens;
  const steps = cached ? [] : [...trace.steps.values()].flat();
  return {
    timestamp: Date.now(),
    sessionId,
    tokens,
    prefill: phaseTime(steps, 'prefill'),
    decode: phaseTime(steps, 'decode'),
    cached,
    inferenceTime: cached ? 0 : timing.inference,
    totalTime,
    tokensPerSecond: (1000 * tokens) / totalTime,
    memoryUsage: process.memoryUsage().rss / 2 ** 20
  };
}
