/** Whether two runs were made of the same tokens: only then is an id the same token in both. */
import {
  NO_TOKEN_ID,
  type RoutingSample,
  type Token
} from '../../base/protocol';

export interface TokenizedRun {
  model: string;
  samples: readonly RoutingSample[];
}

/** Says how the tokenizers of two runs differ; undefined where nothing shows that they do. */
export function otherTokenizer(
  a: TokenizedRun,
  b: TokenizedRun
): string | undefined {
  const texts = new Map<number, Set<string>>();
  for (const { id, text } of knownTokens(a)) {
    texts.set(id, (texts.get(id) ?? new Set()).add(text));
  }
  for (const { id, text } of knownTokens(b)) {
    const others = texts.get(id);
    if (others !== undefined && !others.has(text)) {
      const [other] = others;
      return `token ${id} is ${JSON.stringify(other)} in one run and ${JSON.stringify(text)} in the other`;
    }
  }
  // A person may give one model the same text in other tokens.
  if (a.model === b.model) {
    return undefined;
  }
  const samples = new Map(a.samples.map(sample => [sample.id, sample]));
  const cut = b.samples.find(sample => {
    const other = samples.get(sample.id);
    const text = textOf(sample);
    return (
      other !== undefined &&
      text !== undefined &&
      text === textOf(other) &&
      idsOf(sample) !== idsOf(other)
    );
  });
  return (
    cut &&
    `the text of prompt ${cut.id} is ${samples.get(cut.id)!.tokens.length} tokens in one run and ${cut.tokens.length} others in the other`
  );
}

/** Tokens whose id and text are known. */
function* knownTokens({
  samples
}: TokenizedRun): Generator<{ id: number; text: string }> {
  const isKnown = (token: Token): token is Token & { text: string } =>
    token.id !== NO_TOKEN_ID && token.text !== undefined;
  for (const { tokens, encoderTokens = [] } of samples) {
    yield* tokens.filter(isKnown);
    yield* encoderTokens.filter(isKnown);
  }
}

/** Undefined where a token has no text, or no id. */
function textOf({ tokens }: RoutingSample): string | undefined {
  return tokens.every(
    ({ id, text }) => id !== NO_TOKEN_ID && text !== undefined
  )
    ? tokens.map(({ text }) => text).join('')
    : undefined;
}

function idsOf({ tokens }: RoutingSample): string {
  return tokens.map(({ id }) => id).join();
}
