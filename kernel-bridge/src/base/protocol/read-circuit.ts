/** Validates circuits from a notebook, a file or a comm. */
import { count, figure, list, number, object, oneOf, text } from './checks';
import {
  CIRCUIT_INPUTS,
  CIRCUIT_NODE_KINDS,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitFaithfulness,
  type CircuitNode,
  type CircuitTarget
} from './circuit';
import { ProtocolError } from './error';
import { decodeTokens, type Stack, type Token } from './routing';

const MAX_TOKENS = 1 << 14;
const MAX_NODES = 1 << 14;
const MAX_EDGES = 1 << 16;
const MAX_POINTS = 1 << 10;
const MAX_NOTES = 64;
const MAX_TEXT_LENGTH = 600;

/**
 * Validates an untrusted document.
 * @throws ProtocolError naming the invalid field
 */
export function readCircuitDocument(value: unknown): CircuitDocument {
  const source = object(value, 'the circuit');
  const schema = oneOf(source.schema, ['moe-debugger/circuit@1'], 'schema');
  const values = object(source.values, 'values');
  const clean = readTokens(source.clean, 'clean');
  const nodes = list(source.nodes, 'nodes', MAX_NODES).map((entry, i) =>
    readNode(entry, `nodes[${i}]`, clean.length)
  );
  const rank = new Map(nodes.map(node => [node.id, node.rank]));
  if (rank.size < nodes.length) {
    throw new ProtocolError('two nodes have the same id');
  }
  for (const { id, within, rank: own } of nodes) {
    if (within !== undefined && !((rank.get(within) ?? own) < own)) {
      throw new ProtocolError(`${id} is within no earlier node`);
    }
  }
  const edges = list(source.edges, 'edges', MAX_EDGES).map((entry, i) => {
    const edge = readEdge(entry, `edges[${i}]`);
    const [from, to] = [rank.get(edge.from), rank.get(edge.to)];
    if (from === undefined || to === undefined || from >= to) {
      throw new ProtocolError(
        `edges[${i}] does not lead from a node to a later one`
      );
    }
    return edge;
  });
  return {
    schema,
    model: text(source.model, 'model').slice(0, MAX_TEXT_LENGTH),
    clean,
    corrupted:
      source.corrupted === 'zero' || source.corrupted === 'mean'
        ? source.corrupted
        : readTokens(source.corrupted, 'corrupted'),
    target: readTarget(object(source.target, 'target')),
    direction: oneOf(source.direction, ['noising', 'denoising'], 'direction'),
    values: {
      clean: number(values.clean, 'values.clean'),
      corrupted: number(values.corrupted, 'values.corrupted')
    },
    nodes,
    edges,
    edgesLeftOut: count(source.edgesLeftOut, 'edgesLeftOut'),
    threshold: number(source.threshold, 'threshold'),
    ...(source.faithfulness === undefined
      ? {}
      : { faithfulness: readFaithfulness(source.faithfulness) }),
    ...(source.correlation === undefined
      ? {}
      : { correlation: readCorrelations(source.correlation) }),
    notes: list(source.notes, 'notes', MAX_NOTES).map((note, i) =>
      text(note, `notes[${i}]`).slice(0, MAX_TEXT_LENGTH)
    )
  };
}

function readTokens(value: unknown, at: string): Token[] {
  return decodeTokens(list(value, at, MAX_TOKENS), at).map(token => ({
    ...token,
    ...(token.text === undefined
      ? {}
      : { text: token.text.slice(0, MAX_TEXT_LENGTH) })
  }));
}

function readTarget(source: Record<string, unknown>): CircuitTarget {
  return {
    kind: oneOf(
      source.kind,
      ['logit', 'logit-difference', 'log-probability', 'router'],
      'target.kind'
    ),
    position: count(source.position, 'target.position'),
    ...counts(source, ['token', 'against', 'layer', 'expert'], 'target'),
    ...texts(source, ['text', 'againstText', 'module'], 'target'),
    ...readStack(source, 'target')
  };
}

function readNode(value: unknown, at: string, tokens: number): CircuitNode {
  const source = object(value, at);
  const row = (name: 'effects' | 'patchedAt'): object =>
    source[name] === undefined
      ? {}
      : {
          [name]: list(source[name], `${at}.${name}`, tokens).map((x, i) =>
            figure(x, `${at}.${name}[${i}]`)
          )
        };
  return {
    id: text(source.id, `${at}.id`, MAX_TEXT_LENGTH),
    kind: oneOf(source.kind, CIRCUIT_NODE_KINDS, `${at}.kind`),
    ...counts(source, ['layer', 'index'], at),
    ...texts(source, ['within'], at),
    ...readStack(source, at),
    rank: count(source.rank, `${at}.rank`),
    effect: figure(source.effect, `${at}.effect`),
    ...row('effects'),
    ...(source.patched === undefined
      ? {}
      : { patched: figure(source.patched, `${at}.patched`) }),
    ...row('patchedAt')
  };
}

function readEdge(value: unknown, at: string): CircuitEdge {
  const source = object(value, at);
  return {
    from: text(source.from, `${at}.from`, MAX_TEXT_LENGTH),
    to: text(source.to, `${at}.to`, MAX_TEXT_LENGTH),
    ...(source.input === undefined
      ? {}
      : { input: oneOf(source.input, CIRCUIT_INPUTS, `${at}.input`) }),
    effect: number(source.effect, `${at}.effect`)
  };
}

function readFaithfulness(value: unknown): CircuitFaithfulness {
  const source = object(value, 'faithfulness');
  return {
    of: oneOf(source.of, ['edges', 'nodes'], 'faithfulness.of'),
    total: count(source.total, 'faithfulness.total'),
    points: list(source.points, 'faithfulness.points', MAX_POINTS).map(
      (entry, i) => {
        const at = `faithfulness.points[${i}]`;
        const point = object(entry, at);
        const random =
          point.random === undefined
            ? undefined
            : object(point.random, `${at}.random`);
        return {
          size: count(point.size, `${at}.size`),
          threshold: figure(point.threshold, `${at}.threshold`),
          value: figure(point.value, `${at}.value`),
          faithfulness: figure(point.faithfulness, `${at}.faithfulness`),
          ...(random
            ? {
                random: {
                  circuits: count(random.circuits, `${at}.random.circuits`),
                  mean: figure(random.mean, `${at}.random.mean`),
                  deviation: figure(random.deviation, `${at}.random.deviation`)
                }
              }
            : {})
        };
      }
    )
  };
}

function readCorrelations(value: unknown): CircuitDocument['correlation'] {
  const source = object(value, 'correlation');
  const read = (name: 'cells' | 'nodes'): object => {
    if (source[name] === undefined) {
      return {};
    }
    const at = `correlation.${name}`;
    const own = object(source[name], at);
    return {
      [name]: {
        pearson: figure(own.pearson, `${at}.pearson`),
        spearman: figure(own.spearman, `${at}.spearman`),
        sameSign: figure(own.sameSign, `${at}.sameSign`),
        n: count(own.n, `${at}.n`)
      }
    };
  };
  return { ...read('cells'), ...read('nodes') };
}

function counts<T extends string>(
  source: Record<string, unknown>,
  names: readonly T[],
  at: string
): Partial<Record<T, number>> {
  const found: Partial<Record<T, number>> = {};
  for (const name of names) {
    if (source[name] !== undefined) {
      found[name] = count(source[name], `${at}.${name}`);
    }
  }
  return found;
}

function texts<T extends string>(
  source: Record<string, unknown>,
  names: readonly T[],
  at: string
): Partial<Record<T, string>> {
  const found: Partial<Record<T, string>> = {};
  for (const name of names) {
    if (source[name] !== undefined) {
      found[name] = text(source[name], `${at}.${name}`, MAX_TEXT_LENGTH);
    }
  }
  return found;
}

function readStack(
  source: Record<string, unknown>,
  at: string
): { stack?: Stack } {
  return source.stack === undefined
    ? {}
    : { stack: oneOf(source.stack, ['encoder', 'decoder'], `${at}.stack`) };
}
