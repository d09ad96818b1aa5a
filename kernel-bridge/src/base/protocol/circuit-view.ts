/** Circuit view: finds the circuit that carries the difference between two prompts to a target, prunes and patches it. */
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

/** The target as the user enters it. Fields that its kind does not use keep their text. */
export interface AskedCircuitTarget {
  kind: (typeof KINDS)[number];
  /** Null: the last token. */
  position: number | null;
  /** Ids or texts of tokens; empty: the most likely. */
  token: string;
  against: string;
  /** For a router score. */
  layer: number;
  expert: number;
}

export interface CircuitQuestion {
  clean: string;
  /** The corrupted input: another prompt, or the clean one with other embeddings. */
  other: (typeof OTHERS)[number];
  corrupted: string;
  target: AskedCircuitTarget;
  direction: PatchDirection;
  /** Whether to find edges as well as nodes. */
  edges: boolean;
}

/** A node that the user patched on its own. */
export interface AskedPatch {
  node: string;
  /** Null: at all tokens. */
  position: number | null;
  /** Change of the target. */
  effect: number | null;
}

export interface CircuitState extends ToolState {
  question: CircuitQuestion;
  /** Null before one is found. */
  circuit: CircuitDocument | null;
  patches: AskedPatch[];
  /** Runs done, and planned so far. */
  done: number;
  total: number;
  refusal: Refusal | null;
  /** State of the page when it stored the output: number of edges or nodes shown, and the selected node. */
  shown?: { size: number; node: string | null };
}

export type CircuitAction =
  | { do: 'find'; question: CircuitQuestion }
  | { do: 'patch'; node: string; position: number | null }
  | { do: 'cancel' };

const MAX_PATCHES = 1 << 14;
const MAX_TOKEN_LENGTH = 400;
const MAX_NODE_LENGTH = 600;

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
        node: text(source.node, 'node', MAX_NODE_LENGTH),
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
    patches: list(source.patches, 'patches', MAX_PATCHES).map((entry, i) => {
      const patch = object(entry, `patches[${i}]`);
      return {
        node: text(patch.node, `patches[${i}].node`, MAX_NODE_LENGTH),
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
                : text(shown.node, 'shown.node', MAX_NODE_LENGTH)
          }
        }
      : {})
  };
}

/** As text, for places that show nothing else. */
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
            `patched: ${node}${position === null ? '' : ` at token ${position}`}: ${effect?.toFixed(4) ?? '-'}`
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
    clean: readPrompt(source.clean, 'question.clean'),
    other: oneOf(source.other, OTHERS, 'question.other'),
    corrupted: readPrompt(source.corrupted, 'question.corrupted'),
    target: {
      kind: oneOf(target.kind, KINDS, 'question.target.kind'),
      position: readPosition(target.position, 'question.target.position'),
      token: text(target.token, 'question.target.token', MAX_TOKEN_LENGTH),
      against: text(
        target.against,
        'question.target.against',
        MAX_TOKEN_LENGTH
      ),
      layer: count(target.layer, 'question.target.layer'),
      expert: count(target.expert, 'question.target.expert')
    },
    direction: oneOf(source.direction, DIRECTIONS, 'question.direction'),
    edges: flag(source.edges, 'question.edges')
  };
}
