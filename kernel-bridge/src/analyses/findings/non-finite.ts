/** Finds NaN and infinity in expert weights, router logits and outputs, and the expert that they come from. */
import {
  counted,
  layerName,
  type ExpertPlace,
  type RoutingSample
} from '../../base/protocol';
import { cited, nonFiniteTokens } from '../../measures';
import type { ExpertSurvey } from './expert-survey';
import {
  placeOf,
  type Finding,
  type Place,
  type TokenEvidence
} from './finding';

const SUGGESTIONS: Finding['suggestions'] = [
  {
    action: 'inspect',
    text: 'restore the weights from the original, or export in a wider type; until then keep tokens away from the expert with ablate by mask'
  }
];

/** Experts whose weights or outputs are not finite. */
export function nonFiniteWeights(survey: ExpertSurvey): Finding[] {
  const of = survey.of ?? 'weights';
  return [...survey.nonFinite.keys()]
    .filter(e => survey.nonFinite[e] > 0)
    .map(expert => ({
      kind: 'non-finite' as const,
      severity: 'error' as const,
      ...placeOf(survey),
      experts: [expert],
      ...cited(of === 'weights' ? 'nonFiniteWeights' : 'nonFiniteOutputs'),
      value: survey.nonFinite[expert],
      threshold: 0,
      message: `${survey.nonFinite[expert]} of ${survey.elements[expert]} ${of} of expert ${expert} are not finite: every token that selects it becomes NaN`,
      evidence: { elements: survey.elements[expert] },
      suggestions: SUGGESTIONS
    }));
}

/** Maximum number of example tokens of a finding. */
const MAX_TOKENS = 20;

const OUTPUT = 'output';

interface Stage {
  /** Where the values occur; undefined for the model's output. */
  place?: Place;
  tokens: number;
  examples: TokenEvidence[];
  /** By name, the experts that every first bad token selected before the stage; undefined before the first. */
  suspects?: Map<string, ExpertPlace>;
}

/**
 * Follows non-finite values through a run, sample by sample. The first such token of a sample was broken by one of the
 * experts that it selected in an earlier layer, and not by those of earlier tokens that stayed finite.
 */
export class NonFiniteTrail {
  /** By name of the router; OUTPUT is that of the model's output. */
  private readonly _stages = new Map<string, Stage>();
  /** Names of experts. */
  private readonly _innocent = new Set<string>();
  /** By name, in the order of the graph: a sample may lack routers of others. */
  private readonly _places: { name: string; place: Place }[] = [];

  /** @param finiteOutputs [tokens of the last stack]: 1 where the model's output is finite */
  add(sample: RoutingSample, finiteOutputs?: ArrayLike<number>): void {
    this._order(sample);
    const stages = sample.layers.map(layer => ({
      stack: layer.stack,
      bad: nonFiniteTokens(layer)
    }));
    const last = sample.layers.at(-1)?.stack;
    const outputs = finiteOutputs
      ? Array.from(finiteOutputs, (finite, t) => (finite ? -1 : t)).filter(
          t => t >= 0
        )
      : [];
    stages.push({ stack: last, bad: outputs });
    const first = stages.findIndex(({ bad }) => bad.length > 0);
    if (first < 0) {
      this._clear(sample, Infinity, sample.layers.length);
      return;
    }
    const { stack, bad } = stages[first];
    this._clear(sample, bad[0], first);
    this._accuse(sample, first, bad, stack);
  }

  /** Findings of the earliest stage; empty if all values are finite. */
  findings(): Finding[] {
    const stage = [...this._places.map(({ name }) => name), OUTPUT]
      .map(name => this._stages.get(name))
      .find(own => own !== undefined);
    if (!stage) {
      return [];
    }
    const suspects = [...(stage.suspects ?? [])]
      .filter(([name]) => !this._innocent.has(name))
      .map(([, expert]) => expert);
    const seen = stage.place
      ? `router logits or weights of ${layerName(stage.place)}`
      : "the model's output";
    const named = suspects.length === 1;
    const [suspect] = suspects;
    const place = named
      ? placeOf(suspect)
      : (stage.place ?? this._places.at(-1)!.place);
    return [
      {
        kind: 'non-finite',
        severity: 'error',
        ...placeOf(place),
        experts: named ? [suspect.expert] : [],
        ...cited(
          'nonFiniteTokens',
          'the expert by elimination: selected by every first such token and by no token that stayed finite'
        ),
        value: stage.tokens,
        threshold: 0,
        message: named
          ? `${seen} are not finite on ${counted(stage.tokens, 'token')}, those that expert ${suspect.expert} of ${layerName(place)} reaches`
          : `${seen} are not finite on ${counted(stage.tokens, 'token')}`,
        evidence: {
          seenIn: seen,
          suspects,
          tokens: stage.examples
        },
        suggestions: SUGGESTIONS
      }
    ];
  }

  /** A router that is new stands after the one before it in its sample. */
  private _order({ layers }: RoutingSample): void {
    let before = -1;
    for (const layer of layers) {
      const name = layerName(layer);
      const known = this._places.findIndex(own => own.name === name);
      if (known < 0) {
        this._places.splice(++before, 0, { name, place: placeOf(layer) });
      } else {
        before = known;
      }
    }
  }

  /** Marks experts that tokens before `until` selected in the first routers as harmless. */
  private _clear(sample: RoutingSample, until: number, routers: number): void {
    for (const layer of sample.layers.slice(0, routers)) {
      const { selected, topK } = layer;
      const end = Math.min(selected.length, until * topK);
      for (const expert of new Set(selected.subarray(0, end))) {
        this._innocent.add(expertName(layer, expert));
      }
    }
  }

  private _accuse(
    sample: RoutingSample,
    stage: number,
    bad: number[],
    stack: 'encoder' | 'decoder' | undefined
  ): void {
    const tokens =
      stack === 'encoder' ? (sample.encoderTokens ?? []) : sample.tokens;
    const layer = sample.layers.at(stage);
    const name = layer ? layerName(layer) : OUTPUT;
    const found: Stage = this._stages.get(name) ?? {
      ...(layer ? { place: placeOf(layer) } : {}),
      tokens: 0,
      examples: []
    };
    this._stages.set(name, found);
    found.tokens += bad.length;
    for (const t of bad.slice(0, MAX_TOKENS - found.examples.length)) {
      found.examples.push({ sample: sample.id, ...tokens[t] });
    }
    const own = new Map<string, ExpertPlace>();
    for (const earlier of sample.layers.slice(0, stage)) {
      if (earlier.stack === stack) {
        const at = bad[0] * earlier.topK;
        for (const expert of earlier.selected.subarray(at, at + earlier.topK)) {
          own.set(expertName(earlier, expert), { ...placeOf(earlier), expert });
        }
      }
    }
    found.suspects = found.suspects
      ? new Map([...found.suspects].filter(([key]) => own.has(key)))
      : own;
  }
}

function expertName(place: Place, expert: number): string {
  return `${layerName(place)}:${expert}`;
}
