/** What a model's prompts have to fit. */
import { ChatTemplate } from './chat-template';
import { configCount, contextLength } from './config';
import type { ModelOptions } from './loaded-model';
import type { PromptLimits } from './prompt';
import { vocabularySize } from './vocabulary';

export function promptLimits(
  { graph, config, tokenizer, onnx }: ModelOptions,
  encoderDecoder: boolean
): PromptLimits {
  const { model } = config;
  return {
    tokenizer,
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
