/** Routing that others published: facts that are copied here, and the trace that ESFT_TRACE names. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RoutingBlock } from '../src/measures';

/** The folder of ESFT's published intent trace: expert_weights_1.txt.gz and its siblings, and summary.json. */
export const ESFT_TRACE = process.env.ESFT_TRACE ?? '';
/** Why tests that read the trace are skipped. */
export const NO_ESFT = 'skipped, since ESFT_TRACE names no folder';

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

export const hasEsftTrace = ESFT_TRACE !== '';
if (hasEsftTrace && !existsSync(join(ESFT_TRACE, 'summary.json'))) {
  throw new Error(`ESFT_TRACE names ${ESFT_TRACE}, which has no summary.json`);
}

export const esftSummary = (): Record<
  'token_scores' | 'gate_scores',
  Record<string, Record<string, number>>
> =>
  JSON.parse(readFileSync(join(ESFT_TRACE, 'summary.json'), 'utf8')) as never;

/** Sequences of a layer: a line each, ids, two tabs, weights; six of each a token. */
export function* esftBlocks(layer: number): Generator<RoutingBlock> {
  const text = gunzipSync(
    readFileSync(join(ESFT_TRACE, `expert_weights_${layer}.txt.gz`))
  ).toString();
  for (const line of text.split('\n').filter(Boolean)) {
    const [ids, weights] = line.split('\t\t');
    yield {
      selected: Int32Array.from(ids.split('\t'), Number),
      weights: Float32Array.from(weights.split('\t'), Number)
    };
  }
}
