/** Token attribution view: tokens coloured by their attribution to a chosen prediction or routing decision. */
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
      /** Null: the last token. */
      position: number | null;
      /** Id or text; null: the most likely token. */
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
  /** The token or the prompt as typed; for other kinds, what was typed before. */
  text: string;
}

export interface AttributionQuestion {
  prompt: string;
  /** Null: the most likely next token. */
  target: AskedTarget | null;
  method: AttributionMethod;
  /** Integration steps. */
  steps: number;
  baseline: AskedBaseline;
}

/** Possible targets at a token. */
export interface TargetChoices {
  /** The clicked token. */
  position: number;
  /** The model's predictions there. */
  logits: {
    /** The token that is followed by the prediction; in encoder-decoder models the decoder's last. */
    position: number;
    top: RankedToken[];
    /** The next token of the prompt, if there is one. */
    actual: RankedToken | null;
  };
  /** The experts that each router selects. */
  routers: (RouterPlace & {
    position: number;
    experts: number;
    chosen: { expert: number; weight: number }[];
  })[];
}

export interface AttributionState extends ToolState {
  question: AttributionQuestion;
  /** Null before the first answer. */
  attribution: AttributeDocument | null;
  choices: TargetChoices | null;
  /** Steps done, and in total. */
  done: number;
  total: number;
  refusal: Refusal | null;
}

export type AttributionAction =
  | { do: 'attribute'; question: AttributionQuestion }
  /** Requests the possible targets at a token. */
  | { do: 'look'; position: number }
  /** Measures the faithfulness of the current attribution. */
  | { do: 'faithfulness' }
  | { do: 'cancel' };

/** Maximum number of integration steps. */
export const MAX_STEPS = 4096;
const MAX_ROUTERS = 4096;
const MAX_CHOSEN = 256;
const MAX_TOKEN_LENGTH = 400;

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

/** As text, for places that show nothing else. */
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
  const steps = count(source.steps, 'question.steps', MAX_STEPS);
  return {
    prompt: readPrompt(source.prompt, 'question.prompt'),
    target: source.target === null ? null : readTarget(source.target),
    method: oneOf(
      source.method,
      ['ig', 'grad-input', 'occlusion'],
      'question.method'
    ),
    steps,
    baseline: {
      kind: oneOf(baseline.kind, BASELINES, 'question.baseline.kind'),
      text: readPrompt(baseline.text, 'question.baseline.text')
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
          ? text(token, 'target.token', MAX_TOKEN_LENGTH)
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
    routers: list(source.routers, 'choices.routers', MAX_ROUTERS).map(
      (entry, i) => {
        const at = `choices.routers[${i}]`;
        const router = object(entry, at);
        const experts = count(router.experts, `${at}.experts`);
        return {
          ...decodePlace(router, at),
          position: count(router.position, `${at}.position`),
          experts,
          chosen: list(router.chosen, `${at}.chosen`, MAX_CHOSEN).map(
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
