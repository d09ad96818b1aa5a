/** Figures of attention: the probabilities of one head, and a score of all heads. */
import type { AttentionData, AttentionLayer } from './attention-data';
import type { HeadScores } from './head-scores';
import type { HeadsData } from './heads-data';
import { tokenLabel } from '../../base/charts';
import { counted, layerName, type Token } from '../../base/protocol';
import { Figure } from '../../show/figure';

/** More tokens would make a figure illegible and large. */
const MAX_TOKENS = 96;

/** Probabilities of one head, or a mean of several: [queries][keys]. */
export interface HeadMatrix {
  layer: string;
  /** Absent for a mean. */
  head?: number;
  queries: Token[];
  keys: Token[];
  values: number[][];
}

/** @param probabilities [queries, keys] of the head */
export function headFigure(
  data: AttentionData,
  layer: AttentionLayer,
  head: number,
  probabilities: Float32Array
): Figure<HeadMatrix> {
  const name = `${layerName(layer)}${layer.kind === 'cross' ? ' cross' : ''}`;
  return matrixFigure(data, layer, probabilities, {
    layer: name,
    head,
    title: `${name} head ${head} · attention`
  });
}

/** The mean over the heads of all layers that are alike the last one: of its stack, kind and size. */
export function meanFigure(data: AttentionData): Figure<HeadMatrix> {
  const last =
    data.layers.filter(({ kind }) => kind === 'self').at(-1) ??
    data.layers.at(-1)!;
  const size = last.queries * last.keys;
  const alike = data.layers.filter(
    ({ stack, kind, queries, keys }) =>
      stack === last.stack &&
      kind === last.kind &&
      queries === last.queries &&
      keys === last.keys
  );
  const heads = alike.reduce((sum, layer) => sum + layer.heads, 0);
  const mean = new Float32Array(size);
  for (const { probabilities } of alike) {
    probabilities.forEach((p, i) => (mean[i % size] += p / heads));
  }
  const name = `${last.stack ? `${last.stack} ` : ''}${last.kind === 'cross' ? 'cross ' : ''}`;
  return matrixFigure(data, last, mean, {
    layer: `${alike.length} layers`,
    title: `mean of the ${heads} ${name}heads of ${alike.length} layers · attention`
  });
}

function matrixFigure(
  { tokens, encoderTokens }: AttentionData,
  layer: AttentionLayer,
  probabilities: Float32Array,
  { title, ...of }: Pick<HeadMatrix, 'layer' | 'head'> & { title: string }
): Figure<HeadMatrix> {
  const encoder = [...(encoderTokens ?? [])];
  const own = layer.stack === 'encoder' ? encoder : [...tokens];
  const queries = own.slice(0, MAX_TOKENS);
  const keys = (layer.kind === 'cross' ? encoder : own).slice(0, MAX_TOKENS);
  const values = queries.map((_, q) =>
    keys.map((__, k) => probabilities[q * layer.keys + k])
  );
  const part =
    own.length > queries.length
      ? `, the first ${queries.length} of ${own.length} tokens`
      : '';
  const about = `rows attend to columns${part}`;
  return new Figure(
    { ...of, queries, keys, values },
    {
      kind: 'matrix',
      title,
      subtitle: about,
      x: { title: 'attended to', labels: keys.map(tokenLabel) },
      y: { title: 'from', labels: queries.map(tokenLabel) },
      values: values.flat().map(p => (Number.isFinite(p) ? p : null)),
      measure: 'probability',
      domain: [0, 1]
    },
    `${title}: ${about}`
  );
}

const MEASURES: Record<keyof HeadScores, string> = {
  prefixMatching: 'prefix matching',
  previousToken: 'previous token',
  duplicateToken: 'duplicate token'
};

/** A score of all heads, [layers][heads]; null where a layer has fewer. */
export interface HeadScoreMatrix {
  score: keyof HeadScores;
  layers: string[];
  values: (number | null)[][];
}

/** @param text the scores as plain text */
export function headScoresFigure(
  { model, sequences, heads }: HeadsData,
  score: keyof HeadScores,
  text: string
): Figure<HeadScoreMatrix> {
  const layers = [...new Set(heads.map(layerName))];
  const most = Math.max(0, ...heads.map(({ head }) => head + 1));
  const values = layers.map(name => {
    const row = Array<number | null>(most).fill(null);
    for (const own of heads) {
      const { mean } = own.scores[score];
      if (layerName(own) === name && Number.isFinite(mean)) {
        row[own.head] = mean;
      }
    }
    return row;
  });
  return new Figure(
    { score, layers, values },
    {
      kind: 'matrix',
      title: `${model} · ${MEASURES[score]}`,
      subtitle: `mean attention on ${counted(sequences.count, 'sequence')} of ${counted(sequences.length, 'random token')}, repeated once`,
      x: {
        title: 'head',
        labels: Array.from({ length: most }, (_, head) => String(head))
      },
      y: { title: 'layer', labels: layers },
      values: values.flat(),
      measure: MEASURES[score],
      domain: [0, 1]
    },
    text
  );
}
