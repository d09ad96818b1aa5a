/**
 * Rows of a trace while it is made: the tokens that were run since the last message, with their routing. Numbered by the
 * tokens before them, so that a reader puts each row where it belongs, whatever it had already.
 */
import { count, object } from './checks';
import { ProtocolError } from './error';
import { checkVersion } from './view';
import { PROTOCOL_VERSION } from './names';
import {
  decodeSample,
  decodeTokens,
  encodeSample,
  type EncodedSample,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from './routing';
import { readSteps, type RunStep } from './steps';

export interface TraceRows {
  /** The id of the trace. */
  trace: string;
  /** Tokens of the trace before these. */
  from: number;
  /**
   * Tokens whose routing is left out because a screen cannot keep up: the first ones. The finished trace has it.
   */
  skipped: readonly Token[];
  tokens: readonly Token[];
  /** Routing of `tokens` by router, in graph order; layers of an encoder are empty, since it reads the prompt only. */
  layers: readonly RoutingLayer[];
  /** The steps of `skipped` and `tokens`. */
  steps: readonly RunStep[];
}

export interface EncodedRows {
  version: number;
  trace: string;
  from: number;
  skipped: Token[];
  sample: EncodedSample;
  steps: RunStep[];
}

/** The tokens with routing as a sample of their own. */
export function sampleOf({ tokens, layers }: TraceRows): RoutingSample {
  return {
    id: '',
    tokens: [...tokens],
    encoderTokens: [],
    layers: [...layers]
  };
}

const MAX_ID_LENGTH = 200;

/** @param withoutLogits leaves the logits out, to keep a message small */
export function encodeRows(
  rows: TraceRows,
  { withoutLogits = false }: { withoutLogits?: boolean } = {}
): EncodedRows {
  const { trace, from, skipped, steps } = rows;
  return {
    version: PROTOCOL_VERSION,
    trace,
    from,
    skipped: [...skipped],
    sample: encodeSample(sampleOf(rows), { binary: true, withoutLogits }),
    steps: [...steps]
  };
}

/** @throws ProtocolError naming what is wrong */
export function decodeRows(value: unknown): TraceRows {
  const source = object(value, 'rows');
  checkVersion(count(source.version, 'rows.version'));
  if (typeof source.trace !== 'string' || source.trace.length > MAX_ID_LENGTH) {
    throw new ProtocolError('rows.trace is not the id of a trace');
  }
  const { tokens, layers } = decodeSample(source.sample);
  return {
    trace: source.trace,
    from: count(source.from, 'rows.from'),
    skipped: decodeTokens(source.skipped, 'rows.skipped'),
    tokens,
    layers,
    steps: readSteps(source.steps, 'rows.steps')
  };
}
