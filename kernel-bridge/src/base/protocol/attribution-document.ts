/** Validates attributions from a notebook or a comm. */
import type {
  AttributeDocument,
  AttributedToken,
  AttributionData,
  ExplainedTarget,
  Faithfulness
} from './attribution';
import { count, flag, list, number, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import { decodePlace, decodeTokens, type Stack } from './routing';

const MAX_TOKENS = 1 << 15;
const MAX_CREDITS = 1 << 13;
const MAX_WARNINGS = 64;
const MAX_TEXT_LENGTH = 400;
const MAX_WARNING_LENGTH = 1000;

/** @throws ProtocolError naming the invalid field */
export function readAttribution(value: unknown): AttributeDocument {
  const at = 'attribution';
  const source = object(value, at);
  const optional = <K extends string, T>(
    key: K,
    read: (value: unknown, at: string) => T
  ): Partial<Record<K, T>> =>
    source[key] === undefined
      ? {}
      : ({ [key]: read(source[key], `${at}.${key}`) } as Record<K, T>);
  return {
    schema: 'moe-debugger/attribute@1',
    target: readTarget(source.target, `${at}.target`),
    method: oneOf(
      source.method,
      ['ig', 'grad-input', 'occlusion'],
      `${at}.method`
    ),
    baseline: readBaseline(source.baseline, `${at}.baseline`),
    ...optional('rule', (rule, where) =>
      oneOf(rule, ['gauss-legendre', 'midpoint'], where)
    ),
    ...optional('steps', count),
    ...optional('batch', count),
    tokens: readTokens(source.tokens, `${at}.tokens`),
    value: number(source.value, `${at}.value`),
    baselineValue: number(source.baselineValue, `${at}.baselineValue`),
    gap: number(source.gap, `${at}.gap`),
    ...optional('routingChanges', count),
    ...optional('jumps', number),
    ...optional('resolved', flag),
    ...optional('faithfulness', readFaithfulness),
    ...optional('layers', readLayers),
    ...optional('experts', readExperts),
    warnings: list(source.warnings, `${at}.warnings`, MAX_WARNINGS).map(
      (warning, i) =>
        text(warning, `${at}.warnings[${i}]`).slice(0, MAX_WARNING_LENGTH)
    )
  };
}

function readTarget(value: unknown, at: string): ExplainedTarget {
  const source = object(value, at);
  const kind = oneOf(
    source.kind,
    ['logit', 'log-probability', 'router'],
    `${at}.kind`
  );
  const position = count(source.position, `${at}.position`);
  if (kind === 'router') {
    return {
      kind,
      position,
      ...decodePlace(source, at),
      expert: count(source.expert, `${at}.expert`)
    };
  }
  return {
    kind,
    position,
    token: count(source.token, `${at}.token`),
    ...(source.text === undefined
      ? {}
      : { text: text(source.text, `${at}.text`).slice(0, MAX_TEXT_LENGTH) })
  };
}

/** A contrast prompt is included if it is text or ids. */
function readBaseline(value: unknown, at: string): AttributionData['baseline'] {
  if (typeof value === 'string') {
    return oneOf(value, ['zero', 'mean'], at);
  }
  const source = object(value, at);
  const words = (word: unknown, where: string): string =>
    text(word, where).slice(0, MAX_TEXT_LENGTH);
  if (source.token !== undefined) {
    return {
      token:
        typeof source.token === 'number'
          ? count(source.token, `${at}.token`)
          : words(source.token, `${at}.token`)
    };
  }
  const { prompt } = source;
  return {
    prompt: Array.isArray(prompt)
      ? list(prompt, `${at}.prompt`, MAX_TOKENS).map((id, i) =>
          count(id, `${at}.prompt[${i}]`)
        )
      : words(prompt, `${at}.prompt`)
  };
}

function readTokens(value: unknown, at: string): AttributedToken[] {
  const entries = list(value, at, MAX_TOKENS);
  if (entries.length === 0) {
    throw new ProtocolError(`${at} is empty`);
  }
  const tokens = decodeTokens(entries, at);
  return tokens.map((token, i) => ({
    ...token,
    ...(token.text === undefined
      ? {}
      : { text: token.text.slice(0, MAX_TEXT_LENGTH) }),
    attribution: number(
      (entries[i] as Record<string, unknown>).attribution,
      `${at}[${i}].attribution`
    )
  }));
}

function readFaithfulness(value: unknown, at: string): Faithfulness {
  const source = object(value, at);
  const random = object(source.random, `${at}.random`);
  const numbers = (key: 'counts' | 'deletion' | 'insertion'): number[] =>
    list(source[key], `${at}.${key}`, MAX_TOKENS).map((entry, i) =>
      number(entry, `${at}.${key}[${i}]`)
    );
  const own = (key: string): number =>
    number(random[key], `${at}.random.${key}`);
  return {
    counts: numbers('counts'),
    deletion: numbers('deletion'),
    insertion: numbers('insertion'),
    deletionMean: number(source.deletionMean, `${at}.deletionMean`),
    insertionMean: number(source.insertionMean, `${at}.insertionMean`),
    random: {
      orders: count(random.orders, `${at}.random.orders`),
      deletionMean: own('deletionMean'),
      deletionDeviation: own('deletionDeviation'),
      insertionMean: own('insertionMean'),
      insertionDeviation: own('insertionDeviation')
    }
  };
}

function readLayers(
  value: unknown,
  at: string
): NonNullable<AttributionData['layers']> {
  return list(value, at, MAX_CREDITS).map((entry, i) => {
    const source = object(entry, `${at}[${i}]`);
    return {
      layer: count(source.layer, `${at}[${i}].layer`),
      ...readStack(source, `${at}[${i}]`),
      attribution: number(source.attribution, `${at}[${i}].attribution`)
    };
  });
}

function readStack(
  source: Record<string, unknown>,
  at: string
): { stack?: Stack } {
  return source.stack === undefined
    ? {}
    : {
        stack: oneOf<Stack>(source.stack, ['encoder', 'decoder'], `${at}.stack`)
      };
}

function readExperts(
  value: unknown,
  at: string
): NonNullable<AttributionData['experts']> {
  return list(value, at, MAX_CREDITS).map((entry, i) => {
    const source = object(entry, `${at}[${i}]`);
    return {
      ...decodePlace(source, `${at}[${i}]`),
      position: count(source.position, `${at}[${i}].position`),
      expert: count(source.expert, `${at}[${i}].expert`),
      weight: number(source.weight, `${at}[${i}].weight`),
      attribution: number(source.attribution, `${at}[${i}].attribution`)
    };
  });
}
