/** Routing that others published: facts that are copied here, and traces beside the repository where they are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RoutingBlock } from '../src/measures';
import { REPOSITORY } from './zoo';

const FOLDER = resolve(REPOSITORY, '../shared/real-traces/esft-intent');

export type Domain = 'c4' | 'github';

interface Published {
  /** Of OLMoE-1B-7B-0924 (top-8 of 64) and Mixtral-8x7B (top-2 of 8) by layer, on 208,896 tokens a domain. */
  counts: Record<
    'olmoe' | 'mistral',
    Record<
      Domain,
      Record<'expert_counts' | 'expert_counts_top1', Record<string, number[]>>
    >
  >;
  /** DeepSeek-V2-Lite on ESFT's intent task, by layer: what ESFT published, and sums over its trace. */
  esft: Record<
    string,
    Record<
      'tokenScores' | 'gateScores' | 'selected' | 'counts' | 'gateSums',
      number[]
    >
  >;
}

export const PUBLISHED_TOKENS = 208_896;
export const ESFT_TOKENS = 8222;

export const published = JSON.parse(
  readFileSync(join(__dirname, 'fixtures/published-routing.json'), 'utf8')
) as Published;

export const hasEsftTrace = existsSync(FOLDER);

export const esftSummary = (): Record<
  'token_scores' | 'gate_scores',
  Record<string, Record<string, number>>
> => JSON.parse(readFileSync(join(FOLDER, 'summary.json'), 'utf8')) as never;

/** Sequences of a layer: a line each, ids, two tabs, weights; six of each a token. */
export function* esftBlocks(layer: number): Generator<RoutingBlock> {
  const text = gunzipSync(
    readFileSync(join(FOLDER, `expert_weights_${layer}.txt.gz`))
  ).toString();
  for (const line of text.split('\n').filter(Boolean)) {
    const [ids, weights] = line.split('\t\t');
    yield {
      selected: Int32Array.from(ids.split('\t'), Number),
      weights: Float32Array.from(weights.split('\t'), Number)
    };
  }
}
