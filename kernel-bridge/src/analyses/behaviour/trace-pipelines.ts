/** Finds expert pipelines in the routing of a trace: no model is run. */
import { MoEDebuggerError } from '../../base/errors';
import {
  counted,
  layerName,
  type ExpertPlace,
  type RoutingSample
} from '../../base/protocol';
import { traceNotes } from '../../run/trace/trace-notes';
import { samplesIn, type TraceInput } from '../findings/trace-input';
import {
  findPipelines,
  pipelineChains,
  type PipelineStatistics,
  type PipelineStep,
  type PipelineThresholds
} from './expert-pipelines';
import { describePipelines } from './pipeline-classes';
import { pipelineOptions } from './pipeline-options';
import { ExpertPipelines } from './pipelines-result';

/** Single steps that are described; those of the highest lift. */
const MAX_STEPS = 100;

/**
 * Experts that follow each other on the same tokens from layer to layer more often than by chance, and the class of tokens
 * that each pipeline carries.
 *
 * @throws MoEDebuggerError 'input' for what is no trace, one without samples or known tokens, or an invalid option
 */
export function tracePipelines(
  trace: TraceInput,
  options: PipelineThresholds = {}
): ExpertPipelines {
  const { alpha, minLift, span } = pipelineOptions(options);
  const input = samplesIn(trace, 'expertPipelines');
  const samples = [...input.samples];
  if (samples.length === 0) {
    throw new MoEDebuggerError('input', 'the trace has no samples', {
      where: 'trace',
      hint: 'give a trace of at least one text'
    });
  }
  const statistics = findPipelines(samples, { alpha, minLift, span });
  if (statistics.ids === 0) {
    throw new MoEDebuggerError('input', 'the tokens of the trace are unknown', {
      where: 'trace',
      hint: 'trace or import it with token ids or texts'
    });
  }
  const described = describePipelines(
    samples,
    pipelineChains(statistics.steps)
  );
  // Steps that no token takes one after the other are no pipeline, however high the lift of each.
  const whole = described.filter(({ tokens }) => tokens > 0);
  const chains = whole.map(({ experts }) => experts);
  return new ExpertPipelines({
    ...statistics,
    model: input.model ?? 'the trace',
    alpha,
    minLift,
    span,
    chains,
    pipelines: [
      ...whole,
      ...describePipelines(
        samples,
        unchained(statistics.steps, chains).slice(0, MAX_STEPS)
      )
    ],
    routers: [
      ...new Set(samples.flatMap(({ layers }) => layers.map(layerName)))
    ],
    notes: [...traceNotes(input), ...notesOf(samples, statistics)]
  });
}

/** Steps that are in no chain. */
function unchained(
  steps: readonly PipelineStep[],
  chains: readonly (readonly ExpertPlace[])[]
): ExpertPlace[][] {
  const key = (from: ExpertPlace, to: ExpertPlace): string =>
    [from, to].map(own => `${layerName(own)}:${own.expert}`).join(' > ');
  const inChains = new Set(
    chains.flatMap(chain =>
      chain.slice(1).map((place, i) => key(chain[i], place))
    )
  );
  return steps.flatMap(({ from, to }) =>
    inChains.has(key(from, to)) ? [] : [[from, to]]
  );
}

function notesOf(
  samples: readonly RoutingSample[],
  { ids, tests }: PipelineStatistics
): string[] {
  const routers = new Map(
    samples.flatMap(({ layers }) => layers.map(own => [layerName(own), own]))
  );
  const fixed = [...routers.values()].filter(
    ({ topK, experts }) => topK === experts
  ).length;
  return [
    ...(routers.size < 2
      ? ['nothing can be told: there are no two layers with routers']
      : tests === 0
        ? ['nothing can be told: no token selects an expert']
        : ids < FEW_IDS
          ? [
              `nothing can be told of ${counted(ids, 'different token')}: tokens of one id are routed alike`
            ]
          : []),
    ...(samples.length === 1
      ? ['one text: whether other texts have these pipelines is unknown']
      : []),
    ...(fixed > 0
      ? [
          `nothing can be told of ${counted(fixed, 'router')}: each token selects all experts there`
        ]
      : [])
  ];
}

/** With fewer ids no pair is significant after correction. */
const FEW_IDS = 10;
