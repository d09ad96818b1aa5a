/**
 * Router logits of Hugging Face models, saved from `output_router_logits=True`: `outputs.router_logits` is a tuple of
 * [batch * tokens, experts], one per layer with a router (transformers, MoeModelOutputWithPast). Read from safetensors,
 * .npz or .npy: one array per layer, [tokens, experts] or [batch, tokens, experts], with its number in the name
 * (`router_logits.3`, `model.layers.3.mlp.gate`, numpy's `arr_3`); or all stacked, [layers, tokens, experts]. Arrays
 * `input_ids` and `attention_mask`, [batch, tokens], hold the tokens and mark padding. Encoder-decoders save
 * `encoder_router_logits` and `decoder_router_logits`, and `decoder_input_ids` next to `input_ids`. Some versions return
 * probabilities under that name (transformers issue 45120), so the kind is detected. A folder holds the shards of a dump,
 * an array a file, or a dump a file.
 */
import { pauses } from '../../base/pause';
import type { RoutingLayer, Stack } from '../../base/protocol';
import { detectScores } from './detect-scores';
import {
  need,
  PART_TOKENS,
  refuse,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { batchesOf, type Batch } from './hf-batches';
import { dumpsIn, type Dump } from './hf-files';
import {
  routerArrays,
  stacksOf,
  type RouterArray,
  type StackArrays
} from './hf-arrays';
import { routeRows } from './route-rows';

/** Tokens per read: with hundreds of experts in a hundred layers, some tens of megabytes. */
const TOKENS = 1024;

export const hf: TraceImporter = {
  async *read(path, context) {
    for await (const dump of dumpsIn(path, context)) {
      yield* readDump(dump, context);
    }
  }
};

async function* readDump(
  { arrays, path, stem }: Dump,
  context: ImportContext
): AsyncGenerator<ImportedPart, void, undefined> {
  const stacks: StackDump[] = [];
  for (const own of stacksOf(arrays)) {
    stacks.push(await readStack(own, path, stem, context));
  }
  if (context.facts.renormalized === undefined) {
    context.note(
      'weights are omitted, since it is unknown whether they are divided by their sum: give --renormalized, --not-renormalized or --config'
    );
  }
  const [only, decoder] = stacks;
  if (decoder) {
    yield* readPairs(only, decoder, path, context);
    return;
  }
  for (const batch of only.batches()) {
    yield* readBatch(batch, only, context);
  }
}

/** The routers of one stack, and its sequences. */
interface StackDump {
  stack?: Stack;
  routers: RouterArray[];
  topK: number;
  logitsAre: 'logits' | 'probabilities';
  batches(): Generator<Batch, void, undefined>;
}

async function readStack(
  own: StackArrays,
  path: string,
  stem: string,
  context: ImportContext
): Promise<StackDump> {
  const { facts } = context;
  const routers = routerArrays(own, path, context);
  const { experts } = routers[0];
  facts.experts ??= experts;
  if (facts.experts !== experts) {
    routers[0].array.refuse(
      `the array has ${experts} experts, but the model has ${facts.experts}`,
      '',
      'check --experts or config.json'
    );
  }
  const topK = need(context, 'topK', path);
  if (topK > experts) {
    routers[0].array.refuse(
      `a token cannot select ${topK} of ${experts} experts`,
      '',
      'check --top-k or config.json'
    );
  }
  if (facts.biased) {
    routers[0].array.refuse(
      'the model adds a bias to the scores for selection, which logits do not contain',
      '',
      'save the ids that its router selected, and import them as vllm'
    );
  }
  return {
    ...(own.stack ? { stack: own.stack } : {}),
    routers,
    topK,
    logitsAre: await detectScores(routers, context),
    batches: () => batchesOf(own, routers[0], stem, path, context)
  };
}

/** Encoder and decoder of the same sequence form one sample. */
function* readPairs(
  encoder: StackDump,
  decoder: StackDump,
  path: string,
  context: ImportContext
): Generator<ImportedPart, void, undefined> {
  const heard = [...encoder.batches()];
  const said = [...decoder.batches()];
  if (heard.length !== said.length) {
    refuse(
      `the encoder has ${heard.length} sequences, but the decoder has ${said.length}`,
      path,
      '',
      'save both from the same forward pass'
    );
  }
  for (const [i, batch] of said.entries()) {
    const longest = Math.max(batch.tokens.length, heard[i].tokens.length);
    if (longest > PART_TOKENS) {
      refuse(
        `a sequence has ${longest} tokens; encoder-decoder sequences may have at most ${PART_TOKENS}`,
        path,
        batch.id,
        'save shorter sequences'
      );
    }
    yield {
      continues: false,
      sample: {
        id: batch.id,
        tokens: batch.tokens,
        encoderTokens: heard[i].tokens,
        layers: [
          ...readLayers(encoder, heard[i].rows, context),
          ...readLayers(decoder, batch.rows, context)
        ]
      }
    };
  }
}

async function* readBatch(
  { id, tokens, rows }: Batch,
  dump: StackDump,
  context: ImportContext
): AsyncGenerator<ImportedPart, void, undefined> {
  const pause = pauses();
  for (let start = 0; start < tokens.length; start += TOKENS) {
    const part = tokens.slice(start, start + TOKENS);
    const layers = readLayers(dump, rows.slice(start, start + TOKENS), context);
    yield { continues: start > 0, sample: { id, tokens: part, layers } };
    await pause();
  }
}

/** @param rows of the tokens, ascending */
function readLayers(
  { stack, routers, topK, logitsAre }: StackDump,
  rows: readonly number[],
  context: ImportContext
): RoutingLayer[] {
  const [first] = rows;
  const end = rows[rows.length - 1] + 1;
  return routers.map(({ array, layer, experts, base }) => {
    const all = array.read(base + first * experts, base + end * experts);
    const logits = new Float32Array(rows.length * experts);
    rows.forEach((row, t) => {
      const at = (row - first) * experts;
      logits.set(all.subarray(at, at + experts), t * experts);
    });
    const routed = routeRows(layer, logits, experts, topK, logitsAre, context);
    return stack ? { ...routed, stack } : routed;
  });
}
