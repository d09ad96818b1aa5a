/** Where a model's sequences end, by its configuration. */
import {
  contextLength,
  type JsonConfig,
  type ModelConfig
} from '../model/config';

export interface Ending {
  /** End-of-sequence tokens; empty when no file names one. */
  eos: ReadonlySet<number>;
  /** Longest sequence that the model was made for, in tokens. */
  context?: number;
}

/** generation_config.json goes before genai_config.json, and that before config.json. */
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
