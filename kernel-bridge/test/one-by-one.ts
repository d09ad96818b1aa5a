/** What one run an ablation gives, computed apart from the sweep: in double precision, from whole logits. */
import type { MoEModel, PromptObject, RoutingTrace, SweepRow } from '../src';

export interface Expected {
  /** Of each position, in nats. */
  kl: number[];
  klLast: number;
  deltaLogProb: number;
  deltaRank: number;
}

const rowsOf = new WeakMap<Float32Array, Float64Array[]>();

/** Rows of [positions, vocabulary] as log-probabilities; computed once, since all ablations share what was before. */
export function logSoftmax(
  logits: Float32Array,
  vocabulary: number
): Float64Array[] {
  const known = rowsOf.get(logits);
  if (known) {
    return known;
  }
  const rows = Array.from({ length: logits.length / vocabulary }, (_, t) => {
    const row = new Float64Array(
      logits.subarray(t * vocabulary, (t + 1) * vocabulary)
    );
    let peak = -Infinity;
    for (let i = 0; i < vocabulary; i++) {
      peak = Math.max(peak, row[i]);
    }
    let sum = 0;
    for (let i = 0; i < vocabulary; i++) {
      sum += Math.exp(row[i] - peak);
    }
    const log = peak + Math.log(sum);
    for (let i = 0; i < vocabulary; i++) {
      row[i] -= log;
    }
    return row;
  });
  rowsOf.set(logits, rows);
  return rows;
}

function divergence(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    sum += Math.exp(p[i]) * (p[i] - q[i]);
  }
  return sum;
}

export function compare(
  before: Float32Array,
  after: Float32Array,
  vocabulary: number,
  target?: number
): Expected {
  const [p, q] = [before, after].map(logits => logSoftmax(logits, vocabulary));
  const kl = p.map((row, t) => divergence(row, q[t]));
  const [last, edited] = [p[p.length - 1], q[q.length - 1]];
  const token =
    target ?? last.indexOf(last.reduce((a, b) => Math.max(a, b), -Infinity));
  const rank = (row: Float64Array): number =>
    row.filter(value => value > row[token]).length;
  return {
    kl,
    klLast: kl[kl.length - 1],
    deltaLogProb: edited[token] - last[token],
    deltaRank: rank(edited) - rank(last)
  };
}

export function logitsOf(trace: RoutingTrace): {
  data: Float32Array;
  width: number;
} {
  return [...trace.outputLogits.values()][0];
}

/** Positions that an ablation may reach, and their mean divergence. */
export interface Reached {
  positions: number;
  klMean: number;
}

export interface OneByOne extends Pick<
  Expected,
  'klLast' | 'deltaLogProb' | 'deltaRank'
> {
  tokensAffected: number;
  /** From the first token that chose the expert on; all of the prompts in which one did; all. */
  reached: [Reached, Reached, Reached];
  /** By prompt and position. */
  kl: Map<string, number>;
}

/** The row's figures over prompts by one run a prompt. */
export async function oneByOne(
  model: MoEModel,
  prompts: readonly PromptObject[],
  plain: readonly RoutingTrace[],
  { layer, stack, module, expert, mode }: SweepRow,
  target?: number
): Promise<OneByOne> {
  const place = {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
  const edited = model.with({ ablate: [{ ...place, expert, mode }] });
  const results: Expected[] = [];
  const kl = new Map<string, number>();
  const reached: number[][] = [[], [], []];
  let tokensAffected = 0;
  for (const [i, prompt] of prompts.entries()) {
    const before = logitsOf(plain[i]);
    const after = logitsOf(await edited.trace(prompt, { logits: 'all' }));
    const result = compare(before.data, after.data, before.width, target);
    results.push(result);
    const own = plain[i].samples[0].layers.find(
      other =>
        other.layer === layer &&
        other.stack === stack &&
        other.module === module
    )!;
    let first = Infinity;
    own.selected.forEach((chosen, slot) => {
      if (chosen === expert) {
        tokensAffected++;
        first = Math.min(first, Math.floor(slot / own.topK));
      }
    });
    result.kl.forEach((value, position) => {
      kl.set(`${prompt.id}/${position}`, value);
      [position >= first, first < Infinity, true].forEach((holds, kind) => {
        if (holds) {
          reached[kind].push(value);
        }
      });
    });
  }
  const mean = (values: number[]): number =>
    values.length === 0
      ? 0
      : values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    tokensAffected,
    reached: reached.map(values => ({
      positions: values.length,
      klMean: mean(values)
    })) as OneByOne['reached'],
    klLast: mean(results.map(({ klLast }) => klLast)),
    deltaLogProb: mean(results.map(({ deltaLogProb }) => deltaLogProb)),
    deltaRank: mean(results.map(({ deltaRank }) => deltaRank)),
    kl
  };
}
