/** What a causality test could and could not tell, in sentences. */
import {
  counted,
  layerName,
  type CausalityDocument
} from '../../base/protocol';
import { median } from '../../base/statistics/summary';
import { POWER } from './test-experts';

export function notesOn({
  rows,
  tests,
  prompts,
  alpha,
  detectable
}: Pick<
  CausalityDocument,
  'rows' | 'tests' | 'prompts' | 'alpha' | 'detectable'
>): string[] {
  const notes: string[] = [];
  const untested = rows.filter(({ excess }) => excess === null);
  const unselected = untested.filter(row => row.prompts === 0).length;
  const once = untested.filter(row => row.compared === 1).length;
  const alone = untested.length - unselected - once;
  if (rows.every(({ change }) => change === 0)) {
    notes.push(
      'no ablation changes the criterion, so it cannot tell experts apart'
    );
  }
  if (detectable !== null) {
    notes.push(
      `with these prompts an expert is found with ${POWER * 100} % probability if its change exceeds that of matched experts by ${detectable.toPrecision(2)} (median of the ${tests} tested)`
    );
  }
  if (unselected > 0) {
    notes.push(
      `${counted(unselected, 'expert')} cannot be judged, since no token of the prompts selects ${unselected === 1 ? 'it' : 'them'}`
    );
  }
  if (once > 0) {
    notes.push(
      `${counted(once, 'expert')} cannot be judged from one prompt: there is no spread to compare a change with; give more prompts that select ${once === 1 ? 'it' : 'them'}`
    );
  }
  if (alone > 0) {
    notes.push(
      `${counted(alone, 'expert')} cannot be judged, since no other expert of the layer is selected at the same tokens or takes as many: give prompts in which others do`
    );
  }
  const out = rows.filter(
    ({ excess, smallestP }) => excess !== null && smallestP * tests > alpha
  ).length;
  if (out > 0) {
    notes.push(
      `${out} of ${tests} experts could not have been found on their own: with ${counted(prompts, 'prompt')} and these draws their p cannot fall below ${alpha} / ${tests}; give more prompts in which they are selected, or test fewer experts`
    );
  }
  for (const row of rows) {
    if (row.causal && row.matchedWeight! < 1 / POOR_MATCH) {
      notes.push(
        `${layerName(row)} expert ${row.expert} has ${(1 / row.matchedWeight!).toPrecision(2)} times the routing weight or load of what it is compared with: its excess may come from that`
      );
    }
  }
  const weights = rows.flatMap(({ matchedWeight }) => matchedWeight ?? []);
  if (weights.length > 0) {
    notes.push(
      `matched experts have ${median(weights).toPrecision(2)} times the routing weight or load of the tested ones (median)`
    );
  }
  return notes;
}

/** With a larger ratio of routing weights, experts are not alike. */
const POOR_MATCH = 2;
