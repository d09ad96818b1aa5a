/** End-of-sequence tokens and context length, from a model's configuration. */
import {
  contextLength,
  type JsonConfig,
  type ModelConfig
} from '../model/config';

export interface Ending {
  /** End-of-sequence tokens; empty if no file names one. */
  eos: ReadonlySet<number>;
  /** Maximum sequence length of the model, in tokens. */
  context?: number;
}

/** Precedence: generation_config.json, genai_config.json, config.json. */
export function readEnding(config: ModelConfig): Ending {
  const genai = config.genai.model;
  const files: JsonConfig[] = [
    config.generation,
    typeof genai === 'object' && genai !== null ? (genai as JsonConfig) : {},
    config.model
  ];
  const ids = files.map(({ eos_token_id: value }) =>
    (Array.isArray(value) ? value : [value]).filter((id): id is number =>
      Number.isInteger(id)
    )
  );
  return {
    eos: new Set(ids.find(list => list.length > 0) ?? []),
    context: contextLength(config)
  };
}
