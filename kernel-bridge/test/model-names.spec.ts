/** A trace file may hold any name of a model: within a line of text it stays in that line. */
import {
  compareModels,
  diffRouting,
  expertPipelines,
  ngramTriggers,
  type RoutingTrace
} from '../src';
import { anything, samplesOf } from './made-samples';

const NAME = 'mixtral\nerror: disk full\t\u001b[2J';
const SHOWN = 'mixtral\\nerror: disk full\\t\\x1b[2J';

const trace = {
  model: NAME,
  edits: [],
  cards: [],
  outputLogits: new Map(),
  samples: samplesOf(anything, { samples: 2 })
} as unknown as RoutingTrace;

it.each<[string, () => { toString(): string }]>([
  ['compareModels', () => compareModels([trace, { ...trace, model: 'b' }])],
  ['ngramTriggers', () => ngramTriggers(trace)],
  ['expertPipelines', () => expertPipelines(trace)],
  ['diffRouting', () => diffRouting(trace, trace)]
])('%s escapes a line feed in the name of a model', (_, resultOf) => {
  const text = resultOf().toString();
  expect(text).toContain(SHOWN);
  expect(text).not.toContain('\nerror: disk full');
});
