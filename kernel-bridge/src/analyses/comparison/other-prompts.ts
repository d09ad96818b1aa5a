/** Whether several models saw the same texts: differences of their routing may else come from the texts. */
import {
  NO_TOKEN_ID,
  type RoutingSample,
  type Token
} from '../../base/protocol';

type Prompts = Pick<{ samples: readonly RoutingSample[] }, 'samples'>;

/** Prompts whose ids are not in every trace, and prompts of one id whose texts differ. */
export function otherPrompts(traces: readonly Prompts[]): string[] {
  const byId = traces.map(
    ({ samples }) => new Map(samples.map(sample => [sample.id, sample]))
  );
  const common = [...byId[0].keys()].filter(id =>
    byId.every(own => own.has(id))
  );
  const differ = common.filter(id =>
    byId.slice(1).some(own => isOther(byId[0].get(id)!, own.get(id)!))
  );
  return [
    ...(byId.every(own => own.size === common.length)
      ? []
      : [
          `the models saw other prompts: ${common.length} are in all of ${byId.map(own => own.size).join(', ')}; differences may come from the texts`
        ]),
    ...(differ.length === 0
      ? []
      : [
          `the models saw other prompts under the same ids: the tokens of ${differ.length} of ${common.length} differ, first those of prompt ${differ[0]}; differences may come from the texts`
        ])
  ];
}

function isOther(a: RoutingSample, b: RoutingSample): boolean {
  return (
    differ(a.tokens, b.tokens) ||
    differ(a.encoderTokens ?? [], b.encoderTokens ?? [])
  );
}

/** Whether two runs show that their texts differ. Other tokenizers cut one text into other tokens, so that texts decide. */
function differ(a: readonly Token[], b: readonly Token[]): boolean {
  if (!isWhole(a) || !isWhole(b)) {
    return differAtPositions(a, b);
  }
  const [first, second] = [textOf(a), textOf(b)];
  return first !== undefined && second !== undefined
    ? first !== second
    : idsDiffer(a, b);
}

/** False where a share of the tokens was captured. */
function isWhole(tokens: readonly Token[]): boolean {
  return tokens.every(({ position }, i) => position === i);
}

/** Of samples of tokens, only positions that both captured can be compared, and only where ids have the same texts. */
function differAtPositions(a: readonly Token[], b: readonly Token[]): boolean {
  const others = new Map(b.map(token => [token.position, token]));
  const both = a.flatMap(token => {
    const other = others.get(token.position);
    return other === undefined ? [] : [{ token, other }];
  });
  return idsDiffer(
    both.map(({ token }) => token),
    both.map(({ other }) => other)
  );
}

function idsDiffer(a: readonly Token[], b: readonly Token[]): boolean {
  return (
    [...a, ...b].every(({ id }) => id !== NO_TOKEN_ID) &&
    (a.length !== b.length || a.some(({ id }, i) => id !== b[i].id))
  );
}

/** "<s>", "<|endoftext|>", "[CLS]": tokens that a tokenizer adds to a text. */
const ADDED = /^\s*(<[^<>\s]+>|\[[A-Z]+\])\s*$/;
/** Tokens that stand for text which they do not show. */
const LOST = /^\s*(<unk>|\[UNK\])\s*$|\ufffd/i;

/**
 * The text of tokens as every tokenizer would keep it: without added tokens, white space and case. Undefined where a
 * token does not show its text.
 */
function textOf(tokens: readonly Token[]): string | undefined {
  const shown = tokens.map(({ text }) => text);
  return shown.some(text => text === undefined || LOST.test(text))
    ? undefined
    : shown
        .filter(text => !ADDED.test(text!))
        .join('')
        .normalize('NFKC')
        .replace(/[\s\u2581]/gu, '')
        .toLowerCase();
}
