/** Reads Hugging Face's files beside a model. The graph takes precedence; contradictions are reported. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import type { FoundRouters } from '../../routing/find-routers';

export type JsonConfig = Record<string, unknown>;

export interface ModelConfig {
  /** config.json, merged with the text model's part if a multimodal model nests it. */
  model: JsonConfig;
  generation: JsonConfig;
  genai: JsonConfig;
}

/** Tokenizers of large vocabularies take tens of megabytes; other files are much smaller. */
const MAX_JSON_BYTES = 256 << 20;

/** @throws MoEDebuggerError 'model-invalid' when a file exists and is not JSON */
export function readJson(path: string): JsonConfig | undefined {
  if (!existsSync(path)) {
    return undefined;
  }
  try {
    if (statSync(path).size > MAX_JSON_BYTES) {
      throw new Error(`larger than ${MAX_JSON_BYTES >> 20} MB`);
    }
    // Editors of Windows write a byte order mark.
    const text = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error('not a JSON object');
    }
    return value as JsonConfig;
  } catch (error) {
    throw new MoEDebuggerError(
      'model-invalid',
      `the file is not valid JSON: ${(error as Error).message}`,
      {
        where: path,
        hint: 'download the model again, or remove the file',
        cause: error
      }
    );
  }
}

export function readConfig(folder: string): ModelConfig {
  const model = readJson(join(folder, 'config.json')) ?? {};
  const text = model.text_config;
  return {
    model:
      typeof text === 'object' && text !== null ? { ...model, ...text } : model,
    generation: readJson(join(folder, 'generation_config.json')) ?? {},
    genai: readJson(join(folder, 'genai_config.json')) ?? {}
  };
}

/** The first of `names` with a non-negative integer. */
export function configCount(
  config: JsonConfig,
  ...names: string[]
): number | undefined {
  for (const name of names) {
    const value = config[name];
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
      return value;
    }
  }
  return undefined;
}

/** Experts that compute nothing: their ids follow those of the others, and a router selects them like these. */
const EXPERTS_WITHOUT_WORK = [
  // LongCat-Flash, and MoE++ (arXiv 2410.07348): zero, copy and constant experts.
  'zero_expert_num',
  'num_zero_experts',
  'n_zero_experts',
  'moe_num_zero_experts',
  'num_copy_experts',
  'moe_num_copy_experts',
  'num_constant_experts',
  'moe_num_constant_experts',
  'num_null_experts',
  'mlp_dynamic_null_expert_num'
];

/** Experts per layer, under the names of the model types, with those that compute nothing. */
export function configExperts(config: JsonConfig): number | undefined {
  const working = configCount(
    config,
    'num_local_experts',
    'num_experts',
    'n_routed_experts',
    'num_routed_experts',
    'moe_num_experts',
    'num_moe_experts',
    'n_experts'
  );
  return working === undefined
    ? undefined
    : EXPERTS_WITHOUT_WORK.reduce(
        (sum, name) => sum + (configCount(config, name) ?? 0),
        working
      );
}

/** All experts that a router chooses from: zero-computation experts (LongCat) are not among the routed ones. */
function totalExperts(config: JsonConfig): number | undefined {
  const routed = configExperts(config);
  return routed === undefined
    ? undefined
    : routed + (configCount(config, 'zero_expert_num') ?? 0);
}

/** Experts per token. */
export function configTopK(config: JsonConfig): number | undefined {
  return configCount(
    config,
    'num_experts_per_tok',
    'num_experts_per_token',
    'moe_k',
    'moe_topk',
    'moe_top_k',
    'moe_router_topk',
    'num_selected_experts'
  );
}

/** Maximum sequence length of the model, in tokens. */
export function contextLength({
  model,
  genai
}: ModelConfig): number | undefined {
  const own = configCount(
    model,
    'max_position_embeddings',
    'n_positions',
    'max_seq_len',
    'seq_length'
  );
  const inner = genai.model;
  return (
    own ??
    (typeof inner === 'object' && inner !== null
      ? configCount(inner as JsonConfig, 'context_length')
      : undefined)
  );
}

/** Describes contradictions between config.json and the graph. */
export function contradictions(
  { model }: ModelConfig,
  { routers }: FoundRouters
): string[] {
  const warnings: string[] = [];
  const compare = (
    what: string,
    configured: number | undefined,
    found: number[]
  ): void => {
    if (
      configured !== undefined &&
      found.length > 0 &&
      found.some(value => value !== configured)
    ) {
      warnings.push(
        `config.json says ${configured} ${what}, the graph has ${[...new Set(found)].join(' and ')}: the graph is followed`
      );
    }
  };
  compare(
    'experts',
    totalExperts(model),
    routers.map(({ experts }) => experts)
  );
  compare(
    'experts per token',
    configTopK(model),
    routers.map(({ topK }) => topK)
  );
  return warnings;
}
