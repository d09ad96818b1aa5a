/**
 * Router logits of Hugging Face models, saved from `output_router_logits=True`: `outputs.router_logits` is a tuple of
 * [batch * tokens, experts], one for each layer with a router (transformers, MoeModelOutputWithPast). Read from
 * safetensors, .npz or .npy: an array a layer, its number in the name (`router_logits.3`, `model.layers.3.mlp.gate`,
 * numpy's `arr_3`), [tokens, experts] or [batch, tokens, experts]; or all stacked, [layers, tokens, experts]. Arrays
 * `input_ids` and `attention_mask`, [batch, tokens], name the tokens and what is padding. Some versions hand out
 * probabilities under that name (transformers issue 45120), so which of both it is gets detected.
 */
import { basename } from 'node:path';
import { ArrayStore } from './array-store';
import { detectScores } from './detect-scores';
import {
  need,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { batchesOf, type Batch } from './hf-batches';
import { routerArrays, type RouterArray } from './hf-arrays';
import { routeRows } from './route-rows';

/** Tokens read at a time: with hundreds of experts at a hundred layers, some tens of megabytes. */
const TOKENS = 1024;

export const hf: TraceImporter = {
  format: 'hf',
  async *read(path, context) {
    const store = await ArrayStore.open(path);
    try {
      yield* readStore(store, context);
    } finally {
      store.close();
    }
  }
};

function* readStore(
  { arrays, path }: ArrayStore,
  context: ImportContext
): Generator<ImportedPart, void, undefined> {
  const { facts } = context;
  const routers = routerArrays(arrays, path, context);
  const { experts, tokens } = routers[0];
  facts.experts ??= experts;
  if (facts.experts !== experts) {
    routers[0].array.refuse(
      `the array has ${experts} experts where the model has ${facts.experts}`,
      '',
      'check --experts or config.json'
    );
  }
  const topK = need(context, 'topK', path);
  if (topK > experts) {
    routers[0].array.refuse(
      `a token cannot take ${topK} of ${experts} experts`,
      '',
      'check --top-k or config.json'
    );
  }
  if (facts.biased) {
    routers[0].array.refuse(
      'the model adds a bias to the scores that it selects by, and logits do not tell it',
      '',
      'save the ids that its router selected, and import them as vllm'
    );
  }
  const logitsAre = detectScores(routers, context);
  if (facts.renormalized === undefined) {
    context.note(
      'whether weights are divided by their sum is not known, so there are none: --renormalized, --not-renormalized or --config tells'
    );
  }
  const stem = basename(path).replace(/\.\w+$/, '');
  for (const batch of batchesOf(arrays, tokens, stem, path)) {
    yield* readBatch(batch, routers, topK, logitsAre, context);
  }
}

function* readBatch(
  { id, from, tokens }: Batch,
  routers: readonly RouterArray[],
  topK: number,
  logitsAre: 'logits' | 'probabilities',
  context: ImportContext
): Generator<ImportedPart, void, undefined> {
  for (let start = 0; start < tokens.length; start += TOKENS) {
    const part = tokens.slice(start, start + TOKENS);
    const first = from + part[0].position;
    const count = part[part.length - 1].position - part[0].position + 1;
    const layers = routers.map(router => {
      const { array, layer, experts, base } = router;
      const all = array.read(
        base + first * experts,
        base + (first + count) * experts
      );
      const logits = new Float32Array(part.length * experts);
      part.forEach(({ position }, t) => {
        const at = (position - part[0].position) * experts;
        logits.set(all.subarray(at, at + experts), t * experts);
      });
      return routeRows(layer, logits, experts, topK, logitsAre, context);
    });
    yield { continues: start > 0, sample: { id, tokens: part, layers } };
  }
}
