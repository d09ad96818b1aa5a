/** Reads facts of a model's routing from Hugging Face's config.json. */
import {
  configCount,
  configExperts,
  configTopK,
  type JsonConfig
} from '../../run/model/config';
import { MAX_LAYERS, type ModelFacts } from './importer';

/** Model types whose weights always sum to 1, so that their configuration has no option for it. */
const RENORMALIZING = new Set([
  'mixtral',
  'minimax',
  'gpt_oss',
  'granitemoe',
  'granitemoeshared',
  'granitemoehybrid'
]);
/** Model types that add a learned bias to the scores for selection; the bias is a weight, not part of the configuration. */
const BIASED = new Set([
  'deepseek_v3',
  'kimi_k2',
  'glm4_moe',
  'dots1',
  'ernie4_5_moe',
  'minimax_m2'
]);

export function factsOf(given: JsonConfig): ModelFacts {
  const text = given.text_config;
  const config =
    typeof text === 'object' && text !== null
      ? { ...given, ...(text as JsonConfig) }
      : given;
  const type = String(config.model_type);
  const layers = blockCount(config);
  const facts: ModelFacts = {
    experts: configExperts(config),
    topK: configTopK(config),
    layers,
    dense: denseLayers(config, layers ?? 0),
    sharedExperts: configCount(
      config,
      'n_shared_experts',
      'num_shared_experts'
    ),
    biased: config.topk_method === 'noaux_tc' || BIASED.has(type)
  };
  if (config.scoring_func === 'softmax' || config.scoring_func === 'sigmoid') {
    facts.score = config.scoring_func;
  }
  if (typeof config.norm_topk_prob === 'boolean') {
    facts.renormalized = config.norm_topk_prob;
  } else if (RENORMALIZING.has(type)) {
    facts.renormalized = true;
  }
  const scale = config.routed_scaling_factor;
  // DeepSeek-V2 either divides by the sum or scales (MoEGate in its modeling_deepseek.py); later versions do both.
  if (
    typeof scale === 'number' &&
    !(type === 'deepseek_v2' && facts.renormalized)
  ) {
    facts.scale = scale;
  }
  const count = configCount(config, 'n_group');
  const selected = configCount(config, 'topk_group');
  if (
    count !== undefined &&
    count > 1 &&
    selected !== undefined &&
    config.topk_method !== 'greedy'
  ) {
    facts.groups = {
      count,
      selected,
      score: facts.biased ? 'top2-sum' : 'max'
    };
  }
  return facts;
}

/** LongCat-Flash's blocks have two attentions each, and `num_hidden_layers` counts these. */
function blockCount(config: JsonConfig): number | undefined {
  const hidden = configCount(config, 'num_hidden_layers');
  const blocks = configCount(config, 'num_layers');
  return hidden === undefined || hidden === 2 * (blocks ?? NaN)
    ? blocks
    : hidden;
}

/** Blocks without a router: DeepSeek's `first_k_dense_replace`, Qwen's `mlp_only_layers` and `decoder_sparse_step`. */
function denseLayers(config: JsonConfig, layers: number): number[] {
  const first = configCount(config, 'first_k_dense_replace') ?? 0;
  const step = configCount(config, 'decoder_sparse_step') ?? 1;
  const only = new Set(
    Array.isArray(config.mlp_only_layers) ? config.mlp_only_layers : []
  );
  // Limits the loop for untrusted numbers.
  return Array.from(
    { length: Math.min(layers, MAX_LAYERS) },
    (_, i) => i
  ).filter(i => i < first || only.has(i) || (step > 1 && (i + 1) % step !== 0));
}
