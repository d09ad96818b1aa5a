/**
 * SGLang's `routed_experts`: base64 of int32 ids, row-major [tokens - 1, layers, topK], in `meta_info` of a /generate
 * response or `sglext` of an OpenAI-like one (python/sglang/srt/state_capturer/routed_experts.py,
 * `extract_routed_experts_from_meta_info`); newer versions state another type in `routed_experts_dtype`. A file holds
 * one response, a list of them, one per line, or the bare text. It does not contain the shape.
 */
import { EarlierRequests } from './earlier-requests';
import { filesIn, type TraceImporter } from './importer';
import { readServed } from './served';

export const sglang: TraceImporter = {
  async *read(path, context) {
    const earlier = new EarlierRequests();
    const files = filesIn(path, /\.(jsonl?|ndjson)(\.gz)?$/i, '.json');
    for (const file of files) {
      yield* readServed(file, earlier, context);
    }
  }
};
