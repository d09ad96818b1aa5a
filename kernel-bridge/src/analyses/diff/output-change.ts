/** Divergence of the next-token distributions of two runs. */
import { MoEDebuggerError } from '../../base/errors';
import { divergence, likeliest } from '../../base/statistics/logits';
import type { OutputLogits } from '../../run/trace/trace-document';
import type { Alignment } from './align-tokens';
import type { Both } from './layer-diff';

/** Change of the model's output at one token. */
export interface OutputChange {
  /** Token index in each run. */
  token: Both<number>;
  /** Kullback-Leibler divergence of the second run's distribution from the first's, KL(a || b), in nats. */
  kl: number;
  /** The most likely next token. */
  top: Both<number>;
}

/**
 * Compares all tokens that both runs have, or only the last one where a run kept only its logits.
 *
 * @param tokens of each run
 * @throws MoEDebuggerError 'input' for vocabularies of different sizes
 */
export function outputChanges(
  a: OutputLogits,
  b: OutputLogits,
  tokens: Both<number>,
  pairs: Pick<Alignment, 'a' | 'b'>,
  where: string
): OutputChange[] {
  if (a.width !== b.width) {
    throw new MoEDebuggerError(
      'input',
      `the runs have vocabularies of ${a.width} and ${b.width} tokens`,
      { where, hint: 'compare models with the same vocabulary' }
    );
  }
  const rows = (logits: OutputLogits): number =>
    logits.data.length / logits.width;
  const all = rows(a) === tokens.a && rows(b) === tokens.b;
  return (
    all
      ? Array.from(pairs.a, (token, i) => ({ a: token, b: pairs.b[i] }))
      : [{ a: tokens.a - 1, b: tokens.b - 1 }]
  ).map(token => {
    const before = row(a, rows(a) === tokens.a ? token.a : 0);
    const after = row(b, rows(b) === tokens.b ? token.b : 0);
    return {
      token,
      kl: divergence(before, after),
      top: { a: likeliest(before), b: likeliest(after) }
    };
  });
}

function row({ data, width }: OutputLogits, index: number): Float32Array {
  return data.subarray(index * width, (index + 1) * width);
}
