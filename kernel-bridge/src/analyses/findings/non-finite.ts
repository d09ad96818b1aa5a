/** Finds NaN and infinity in expert weights, router logits and outputs, and the expert that they come from. */
import { counted, layerName, type RoutingSample } from '../../base/protocol';
import { cited, nonFiniteTokens } from '../../measures';
import type { ExpertSurvey } from './expert-survey';
import { placeOf, type Finding, type TokenEvidence } from './finding';

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

interface Stage {
  /** Where the values occur; undefined for the model's output. */
  place?: { layer: number; stack?: 'encoder' | 'decoder'; module?: string };
  tokens: number;
  examples: TokenEvidence[];
  /** "router index:expert" that every first bad token selected before the stage; undefined before the first. */
  suspects?: Set<string>;
}

/**
 * Follows non-finite values through a run, sample by sample. The first such token of a sample was broken by one of the
 * experts that it selected in an earlier layer, and not by those of earlier tokens that stayed finite.
 */
export class NonFiniteTrail {
  private readonly _stages = new Map<number, Stage>();
  private readonly _innocent = new Set<string>();
  private readonly _places: RoutingSample['layers'][number][] = [];

  /** @param finiteOutputs [tokens of the last stack]: 1 where the model's output is finite */
  add(sample: RoutingSample, finiteOutputs?: ArrayLike<number>): void {
    sample.layers.forEach((layer, index) => {
      this._places[index] ??= { ...layer, logits: new Float32Array(0) };
    });
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
    const first = Math.min(...this._stages.keys());
    const stage = this._stages.get(first);
    if (!stage) {
      return [];
    }
    const suspects = [...(stage.suspects ?? [])]
      .filter(key => !this._innocent.has(key))
      .map(key => key.split(':').map(Number));
    const seen = stage.place
      ? `router logits or weights of ${layerName(stage.place)}`
      : "the model's output";
    const named = suspects.length === 1;
    const [router, expert] = suspects[0] ?? [];
    const place = named
      ? this._places[router]
      : (stage.place ?? this._places.at(-1)!);
    return [
      {
        kind: 'non-finite',
        severity: 'error',
        ...placeOf(place),
        experts: named ? [expert] : [],
        ...cited(
          'nonFiniteTokens',
          'the expert by elimination: selected by every first such token and by no token that stayed finite'
        ),
        value: stage.tokens,
        threshold: 0,
        message: named
          ? `${seen} are not finite on ${counted(stage.tokens, 'token')}, those that expert ${expert} of ${layerName(place)} reaches`
          : `${seen} are not finite on ${counted(stage.tokens, 'token')}`,
        evidence: {
          seenIn: seen,
          suspects: suspects.map(([at, e]) => ({
            ...placeOf(this._places[at]),
            expert: e
          })),
          tokens: stage.examples
        },
        suggestions: SUGGESTIONS
      }
    ];
  }

  /** Marks experts that tokens before `until` selected in the first routers as harmless. */
  private _clear(sample: RoutingSample, until: number, routers: number): void {
    sample.layers.slice(0, routers).forEach(({ selected, topK }, index) => {
      const end = Math.min(selected.length, until * topK);
      for (let slot = 0; slot < end; slot++) {
        this._innocent.add(`${index}:${selected[slot]}`);
      }
    });
  }

  private _accuse(
    sample: RoutingSample,
    stage: number,
    bad: number[],
    stack: 'encoder' | 'decoder' | undefined
  ): void {
    const tokens =
      stack === 'encoder' ? (sample.encoderTokens ?? []) : sample.tokens;
    const found: Stage = this._stages.get(stage) ?? {
      ...(sample.layers[stage] ? { place: placeOf(sample.layers[stage]) } : {}),
      tokens: 0,
      examples: []
    };
    this._stages.set(stage, found);
    found.tokens += bad.length;
    for (const t of bad.slice(0, MAX_TOKENS - found.examples.length)) {
      found.examples.push({ sample: sample.id, ...tokens[t] });
    }
    const own = new Set<string>();
    sample.layers.slice(0, stage).forEach((layer, index) => {
      if (layer.stack === stack) {
        const at = bad[0] * layer.topK;
        for (const expert of layer.selected.subarray(at, at + layer.topK)) {
          own.add(`${index}:${expert}`);
        }
      }
    });
    found.suspects = found.suspects
      ? new Set([...found.suspects].filter(key => own.has(key)))
      : own;
  }
}
