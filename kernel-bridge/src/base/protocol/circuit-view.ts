/** The circuit view: the parts by which the difference between two prompts reaches a target, to prune and to patch. */
import { count, figure, flag, list, object, oneOf, text } from './checks';
import type { CircuitDocument, PatchDirection } from './circuit';
import { describeCircuit } from './circuit-text';
import { readPrompt, readRefusal, type Refusal } from './generated';
import { readCircuitDocument } from './read-circuit';
import type { ToolState } from './tools';

const OTHERS = ['prompt', 'zero', 'mean'] as const;
const KINDS = [
  'logit',
  'logit-difference',
  'log-probability',
  'router'
] as const;
const DIRECTIONS = ['noising', 'denoising'] as const;

/** What a person fills in. Fields that the kind of target has no use for keep what was typed. */
export interface AskedCircuitTarget {
  kind: (typeof KINDS)[number];
  /** Null: the last token. */
  position: number | null;
  /** Ids or texts of tokens; empty: the likeliest. */
  token: string;
  against: string;
  /** Of a router's score. */
  layer: number;
  expert: number;
}

export interface CircuitQuestion {
  clean: string;
  /** What the clean prompt is compared with: another prompt, or its own with the embeddings taken away. */
  other: (typeof OTHERS)[number];
  corrupted: string;
  target: AskedCircuitTarget;
  direction: PatchDirection;
  /** Whether edges are looked for, beside nodes. */
  edges: boolean;
}

/** A part that was patched by itself because a person asked for it. */
export interface AskedPatch {
  node: string;
  /** Null: at all tokens. */
  position: number | null;
  /** What the target changed by. */
  effect: number | null;
}

export interface CircuitState extends ToolState {
  question: CircuitQuestion;
  /** Null until one was found. */
  circuit: CircuitDocument | null;
  patches: AskedPatch[];
  /** Runs done, of all that are planned so far. */
  done: number;
  total: number;
  refusal: Refusal | null;
  /** What a page showed when it stored the output: how many of the strongest edges, or nodes, and the node looked at. */
  shown?: { size: number; node: string | null };
}

export type CircuitAction =
  | { do: 'find'; question: CircuitQuestion }
  | { do: 'patch'; node: string; position: number | null }
  | { do: 'cancel' };

const MOST_PATCHES = 1 << 14;
const LONGEST_TOKEN = 400;
const LONGEST_NODE = 600;

/** @throws ProtocolError */
export function readCircuitAction(value: unknown): CircuitAction {
  const source = object(value, 'the action');
  const name = oneOf(source.do, ['find', 'patch', 'cancel'], 'the action');
  switch (name) {
    case 'find':
      return { do: name, question: readQuestion(source.question) };
    case 'patch':
      return {
        do: name,
        node: text(source.node, 'node', LONGEST_NODE),
        position: readPosition(source.position, 'position')
      };
    case 'cancel':
      return { do: name };
  }
}

/** @throws ProtocolError */
export function readCircuitState(value: unknown): CircuitState {
  const source = object(value, 'state');
  const circuit =
    source.circuit === null ? null : readCircuitDocument(source.circuit);
  const shown =
    source.shown === undefined ? undefined : object(source.shown, 'shown');
  return {
    running: flag(source.running, 'running'),
    question: readQuestion(source.question),
    circuit,
    patches: list(source.patches, 'patches', MOST_PATCHES).map((entry, i) => {
      const patch = object(entry, `patches[${i}]`);
      return {
        node: text(patch.node, `patches[${i}].node`, LONGEST_NODE),
        position: readPosition(patch.position, `patches[${i}].position`),
        effect: figure(patch.effect, `patches[${i}].effect`)
      };
    }),
    done: count(source.done, 'done'),
    total: count(source.total, 'total'),
    refusal: readRefusal(source.refusal, 0),
    ...(shown
      ? {
          shown: {
            size: count(shown.size, 'shown.size'),
            node:
              shown.node === null
                ? null
                : text(shown.node, 'shown.node', LONGEST_NODE)
          }
        }
      : {})
  };
}

/** In words, for places that show only text. */
export function describeCircuitView(
  model: string,
  { circuit, patches }: CircuitState
): string {
  return circuit
    ? [
        `CircuitView of ${model}`,
        describeCircuit(circuit),
        ...patches.map(
          ({ node, position, effect }) =>
            `patched for real: ${node}${position === null ? '' : ` at token ${position}`}: ${effect?.toFixed(4) ?? '-'}`
        )
      ].join('\n')
    : `CircuitView of ${model}`;
}

function readPosition(value: unknown, at: string): number | null {
  return value === null ? null : count(value, at);
}

function readQuestion(value: unknown): CircuitQuestion {
  const source = object(value, 'question');
  const target = object(source.target, 'question.target');
  return {
    clean: readPrompt(source.clean),
    other: oneOf(source.other, OTHERS, 'question.other'),
    corrupted: readPrompt(source.corrupted),
    target: {
      kind: oneOf(target.kind, KINDS, 'question.target.kind'),
      position: readPosition(target.position, 'question.target.position'),
      token: text(target.token, 'question.target.token', LONGEST_TOKEN),
      against: text(target.against, 'question.target.against', LONGEST_TOKEN),
      layer: count(target.layer, 'question.target.layer'),
      expert: count(target.expert, 'question.target.expert')
    },
    direction: oneOf(source.direction, DIRECTIONS, 'question.direction'),
    edges: flag(source.edges, 'question.edges')
  };
}
