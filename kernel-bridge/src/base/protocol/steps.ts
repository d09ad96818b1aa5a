/** The steps in which a sequence was run, and how long each took. */
import { count, list, number, object, oneOf } from './checks';

/** A prompt is run at once ('prefill'), then each new token by itself ('decode'). */
export type Phase = 'prefill' | 'decode';

const PHASES: readonly Phase[] = ['prefill', 'decode'];

export interface RunStep {
  phase: Phase;
  /** Tokens that were run for the first time. */
  tokens: number;
  /** How many of them have their routing in the trace: all, unless only a share is captured. */
  captured: number;
  /** When their routing was known, in milliseconds since the epoch. */
  timestamp: number;
  /** From the start of the step to that moment, in milliseconds. */
  milliseconds: number;
}

/** Tokens and time of the steps of one phase. */
export interface PhaseTime {
  steps: number;
  tokens: number;
  milliseconds: number;
  /** 0 without steps. */
  tokensPerSecond: number;
}

export function phaseTime(steps: readonly RunStep[], phase: Phase): PhaseTime {
  const own = steps.filter(step => step.phase === phase);
  const tokens = own.reduce((sum, step) => sum + step.tokens, 0);
  const milliseconds = own.reduce((sum, step) => sum + step.milliseconds, 0);
  return {
    steps: own.length,
    tokens,
    milliseconds,
    tokensPerSecond: milliseconds > 0 ? (1000 * tokens) / milliseconds : 0
  };
}

/** Most steps of a message or a document. */
const MAX_STEPS = 1 << 20;

/** @throws ProtocolError naming the field that is wrong */
export function readSteps(value: unknown, at: string): RunStep[] {
  return list(value, at, MAX_STEPS).map((entry, i) => {
    const source = object(entry, `${at}[${i}]`);
    return {
      phase: oneOf(source.phase, PHASES, `${at}[${i}].phase`),
      tokens: count(source.tokens, `${at}[${i}].tokens`),
      captured: count(source.captured, `${at}[${i}].captured`),
      timestamp: number(source.timestamp, `${at}[${i}].timestamp`),
      milliseconds: number(source.milliseconds, `${at}[${i}].milliseconds`)
    };
  });
}
