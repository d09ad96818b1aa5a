/** Token attribution: tokens coloured by what they give to a prediction or a routing decision that one chooses. */
import {
  describeAttribution,
  type AttributeDocument,
  type AttributionMethod
} from './attribution';
import { readAttribution } from './attribution-document';
import { count, flag, list, number, object, oneOf, text } from './checks';
import { readPrompt, readRefusal, type Refusal } from './generated';
import type { RankedToken } from './lens';
import { readRanked } from './lens-view';
import type { RouterPlace } from './places';
import { decodePlace } from './routing';
import type { ToolState } from './tools';

/** What a person wants explained. */
export type AskedTarget =
  | {
      kind: 'logit' | 'log-probability';
      /** Null: the last one. */
      position: number | null;
      /** Id or text; null: the likeliest. */
      token: number | string | null;
    }
  | (RouterPlace & {
      kind: 'router';
      position: number | null;
      expert: number;
    });

const BASELINES = ['zero', 'mean', 'token', 'prompt'] as const;

export interface AskedBaseline {
  kind: (typeof BASELINES)[number];
  /** The token or the prompt, as it was typed; of the others what was typed before. */
  text: string;
}

export interface AttributionQuestion {
  prompt: string;
  /** Null: the likeliest token after the last one. */
  target: AskedTarget | null;
  method: AttributionMethod;
  /** Of the integral. */
  steps: number;
  baseline: AskedBaseline;
}

/** What could be explained at a token. */
export interface TargetChoices {
  /** The token that was clicked. */
  position: number;
  /** What the model predicts there. */
  logits: {
    /** The token that is predicted after: of encoder-decoder models the decoder's last. */
    position: number;
    top: RankedToken[];
    /** What follows in the prompt, where something does. */
    actual: RankedToken | null;
  };
  /** Which experts its routers choose. */
  routers: (RouterPlace & {
    position: number;
    experts: number;
    chosen: { expert: number; weight: number }[];
  })[];
}

export interface AttributionState extends ToolState {
  question: AttributionQuestion;
  /** Null until there was an answer. */
  attribution: AttributeDocument | null;
  choices: TargetChoices | null;
  /** Steps done, of all. */
  done: number;
  total: number;
  refusal: Refusal | null;
}

export type AttributionAction =
  | { do: 'attribute'; question: AttributionQuestion }
  /** Tells what could be explained at a token. */
  | { do: 'look'; position: number }
  /** Measures how faithful the attribution is that is shown. */
  | { do: 'faithfulness' }
  | { do: 'cancel' };

/** Most steps that a person can ask for. */
export const MOST_STEPS = 4096;
const MOST_ROUTERS = 4096;
const MOST_CHOSEN = 256;
const LONGEST_TOKEN = 400;

/** @throws ProtocolError */
export function readAttributionAction(value: unknown): AttributionAction {
  const source = object(value, 'the action');
  const name = oneOf(
    source.do,
    ['attribute', 'look', 'faithfulness', 'cancel'],
    'the action'
  );
  switch (name) {
    case 'attribute':
      return { do: name, question: readQuestion(source.question) };
    case 'look':
      return { do: name, position: count(source.position, 'position') };
    case 'faithfulness':
    case 'cancel':
      return { do: name };
  }
}

/** @throws ProtocolError */
export function readAttributionState(value: unknown): AttributionState {
  const source = object(value, 'state');
  return {
    running: flag(source.running, 'running'),
    question: readQuestion(source.question),
    attribution:
      source.attribution === null ? null : readAttribution(source.attribution),
    choices: source.choices === null ? null : readChoices(source.choices),
    done: count(source.done, 'done'),
    total: count(source.total, 'total'),
    refusal: readRefusal(source.refusal, 0)
  };
}

/** In words, for places that show only text. */
export function describeTokenAttribution(
  model: string,
  { attribution }: AttributionState
): string {
  return attribution
    ? `TokenAttribution of ${model}: ${describeAttribution(attribution)}`
    : `TokenAttribution of ${model}`;
}

function readQuestion(value: unknown): AttributionQuestion {
  const source = object(value, 'question');
  const baseline = object(source.baseline, 'question.baseline');
  const steps = count(source.steps, 'question.steps', MOST_STEPS);
  return {
    prompt: readPrompt(source.prompt),
    target: source.target === null ? null : readTarget(source.target),
    method: oneOf(
      source.method,
      ['ig', 'grad-input', 'occlusion'],
      'question.method'
    ),
    steps,
    baseline: {
      kind: oneOf(baseline.kind, BASELINES, 'question.baseline.kind'),
      text: readPrompt(baseline.text)
    }
  };
}

function readTarget(value: unknown): AskedTarget {
  const source = object(value, 'target');
  const kind = oneOf(
    source.kind,
    ['logit', 'log-probability', 'router'],
    'target.kind'
  );
  const position =
    source.position === null ? null : count(source.position, 'target.position');
  if (kind === 'router') {
    return {
      kind,
      position,
      ...decodePlace(source, 'target'),
      expert: count(source.expert, 'target.expert')
    };
  }
  const { token } = source;
  return {
    kind,
    position,
    token:
      token === null
        ? null
        : typeof token === 'string'
          ? text(token, 'target.token', LONGEST_TOKEN)
          : count(token, 'target.token')
  };
}

function readChoices(value: unknown): TargetChoices {
  const source = object(value, 'choices');
  const logits = object(source.logits, 'choices.logits');
  return {
    position: count(source.position, 'choices.position'),
    logits: {
      position: count(logits.position, 'choices.logits.position'),
      top: readRanked(logits.top, 'choices.logits.top'),
      actual:
        logits.actual === null
          ? null
          : readRanked([logits.actual], 'choices.logits.actual')[0]
    },
    routers: list(source.routers, 'choices.routers', MOST_ROUTERS).map(
      (entry, i) => {
        const at = `choices.routers[${i}]`;
        const router = object(entry, at);
        const experts = count(router.experts, `${at}.experts`);
        return {
          ...decodePlace(router, at),
          position: count(router.position, `${at}.position`),
          experts,
          chosen: list(router.chosen, `${at}.chosen`, MOST_CHOSEN).map(
            (own, c) => {
              const where = `${at}.chosen[${c}]`;
              const chosen = object(own, where);
              return {
                expert: count(chosen.expert, `${where}.expert`, experts - 1),
                weight: number(chosen.weight, `${where}.weight`)
              };
            }
          )
        };
      }
    )
  };
}
