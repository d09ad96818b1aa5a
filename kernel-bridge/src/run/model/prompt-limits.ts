/** Limits for a model's prompts. */
import { ChatTemplate } from './chat-template';
import { configCount, contextLength } from './config';
import type { PromptLimits } from './prompt';
import type { ModelStructure } from './structure';
import type { FoundTokenizer } from './tokenizer';
import { vocabularySize } from './vocabulary';

export function promptLimits(
  { graph, config, onnx }: ModelStructure,
  { tokenizer, noTokenizer }: FoundTokenizer,
  encoderDecoder: boolean
): PromptLimits {
  const { model } = config;
  return {
    tokenizer,
    noTokenizer,
    chat: new ChatTemplate(onnx.folder),
    vocabulary: vocabularySize(graph) ?? configCount(model, 'vocab_size'),
    context: contextLength(config),
    ...(encoderDecoder
      ? {
          decoderStart: [
            configCount(model, 'decoder_start_token_id', 'pad_token_id') ?? 0
          ]
        }
      : {})
  };
}
