/** What analyses of routing take: a trace, or its samples. */
import { MoEDebuggerError } from '../../base/errors';
import type { RoutingSample } from '../../base/protocol';
import { TraceEvidence, type EvidenceSource } from './trace-evidence';

export type TraceInput = EvidenceSource | Iterable<RoutingSample>;

/**
 * The samples of an input, checked one by one as they are read.
 *
 * @param where names what takes it, in errors
 * @throws MoEDebuggerError 'input' for anything else
 */
export function samplesIn(input: TraceInput, where: string): EvidenceSource {
  if (isIterable(input)) {
    return { samples: checked(input, where) };
  }
  if (isObject(input) && isIterable(input.samples)) {
    const { model, integrity, edits } = input;
    return {
      samples: checked(input.samples, where),
      ...(model === undefined ? {} : { model }),
      ...(integrity === undefined ? {} : { integrity }),
      ...(edits === undefined ? {} : { edits })
    };
  }
  throw noTrace(where);
}

/** The evidence of an input, or one that was gathered before. */
export function evidenceOf(
  input: TraceEvidence | TraceInput,
  where: string
): TraceEvidence {
  return input instanceof TraceEvidence
    ? input
    : TraceEvidence.of(samplesIn(input, where).samples);
}

function* checked(
  samples: Iterable<RoutingSample>,
  where: string
): Generator<RoutingSample> {
  for (const sample of samples) {
    if (
      !isObject(sample) ||
      !Array.isArray(sample.tokens) ||
      !Array.isArray(sample.layers)
    ) {
      throw noTrace(where);
    }
    yield sample;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isIterable(value: unknown): value is Iterable<RoutingSample> {
  return isObject(value) && Symbol.iterator in value;
}

function noTrace(where: string): MoEDebuggerError {
  return new MoEDebuggerError('input', 'this is no trace', {
    where,
    hint: 'give a trace, from model.trace(prompts) or readTrace(file), or its samples'
  });
}
