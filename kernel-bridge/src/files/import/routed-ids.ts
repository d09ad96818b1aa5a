/**
 * Expert ids as servers return them, [tokens, layers, topK] and nothing else. vLLM and SGLang fill a buffer of zeros
 * (`torch.zeros` in vllm/model_executor/layers/fused_moe/routed_experts_capturer.py, adopted from SGLang), so a layer
 * without a router, and a token that was not run, hold zeros; other programs write -1.
 */
import {
  NO_TOKEN_ID,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { pauses } from '../../base/pause';
import { MAX_EXPERTS } from '../trace/cards';
import { PART_TOKENS, type ImportContext, type ImportedPart } from './importer';
import { tokenId } from './token-ids';

export interface RoutedIds {
  sample: string;
  tokens: number;
  layers: number;
  topK: number;
  /** Ids of a range of elements, in row-major order. */
  read(from: number, to: number): ArrayLike<number>;
  /** Token ids by position, as far as known. */
  tokenIds?: ArrayLike<number>;
  /** Position of the first row. Default 0. */
  start?: number;
  /** Rows before this one were in an earlier request, and are left out. Default 0. */
  from?: number;
  refuse(what: string, index: string, hint: string): never;
}

const HINT = 'check --experts, --top-k and --layers, or the file';

export async function* routedParts(
  ids: RoutedIds,
  context: ImportContext
): AsyncGenerator<ImportedPart, void, undefined> {
  const { routedTokens, routedLayers } = await scan(ids, context);
  const blocks = blocksOf(ids, routedLayers, context);
  let continues = false;
  let part: number[] = [];
  for (let token = ids.from ?? 0; token <= ids.tokens; token++) {
    if (token < ids.tokens && routedTokens[token]) {
      part.push(token);
    }
    if (
      part.length === PART_TOKENS ||
      (token === ids.tokens && part.length > 0)
    ) {
      yield { continues, sample: readPart(ids, part, blocks, context) };
      continues = true;
      part = [];
    }
  }
}

/** Finds layers and tokens with routing. A first pass, since only the whole sample shows which layers have a router. */
async function scan(
  ids: RoutedIds,
  context: ImportContext
): Promise<{ routedTokens: Uint8Array; routedLayers: Uint8Array }> {
  const pause = pauses();
  const routedTokens = new Uint8Array(ids.tokens);
  const routedLayers = new Uint8Array(ids.layers);
  const width = ids.layers * ids.topK;
  for (let token = 0; token < ids.tokens; token++) {
    const row = ids.read(token * width, (token + 1) * width);
    for (let layer = 0; layer < ids.layers; layer++) {
      if (isRouted(row, layer * ids.topK, ids.topK)) {
        routedTokens[token] = 1;
        routedLayers[layer] = 1;
      }
    }
    const rest = pause();
    if (rest) {
      await rest;
    }
  }
  const left = ids.tokens - routedTokens.reduce((sum, is) => sum + is, 0);
  if (left > 0) {
    context.note(
      `${ids.sample}: ${left} tokens have no routing (padding) and are omitted`
    );
  }
  return { routedTokens, routedLayers };
}

/** Zeros alone are not a selection of several experts, nor is -1; a single 0 may be one. */
function isRouted(
  row: ArrayLike<number>,
  first: number,
  topK: number
): boolean {
  let zeros = 0;
  for (let k = first; k < first + topK; k++) {
    // NaN is no selection either, but must not pass as padding.
    if (!(row[k] <= 0) || row[k] < -1) {
      return true;
    }
    zeros += row[k] === 0 ? 1 : 0;
  }
  return zeros === 1;
}

/** Block number of each row; undefined for one without a router. */
function blocksOf(
  ids: RoutedIds,
  routed: Uint8Array,
  { facts, note }: ImportContext
): (number | undefined)[] {
  const { layers = ids.layers, dense = [] } = facts;
  const routers = Array.from({ length: layers }, (_, i) => i).filter(
    block => !dense.includes(block)
  );
  const blocks = Array.from({ length: ids.layers }, (_, i) => i);
  if (ids.layers !== layers) {
    if (ids.layers !== routers.length) {
      ids.refuse(
        `there are ${ids.layers} layers, but the model has ${layers}, ${routers.length} of them with a router`,
        '',
        HINT
      );
    }
    note('the layers are only those with a router: numbered by config.json');
    return blocks.map(row => routers[row]);
  }
  const without = blocks.filter(row => !routed[row]);
  if (without.length > 0 && without.length < ids.layers) {
    note(
      `${ids.sample}: layers ${without.join(', ')} have no routing, so they have no router`
    );
  }
  if (ids.topK === 1 && dense.length === 0) {
    note(
      'with one expert per token, a layer without a router looks like one that selects expert 0: config.json (--config) distinguishes them'
    );
  }
  return blocks.map(row =>
    routed[row] && !dense.includes(row) ? row : undefined
  );
}

function readPart(
  ids: RoutedIds,
  positions: readonly number[],
  blocks: readonly (number | undefined)[],
  { facts, note }: ImportContext
): RoutingSample {
  const { topK } = ids;
  const width = ids.layers * topK;
  const first = positions[0];
  const all = ids.read(
    first * width,
    (positions[positions.length - 1] + 1) * width
  );
  const layers: RoutingLayer[] = [];
  blocks.forEach((block, row) => {
    if (block === undefined) {
      return;
    }
    const selected = new Int32Array(positions.length * topK);
    positions.forEach((position, t) => {
      const start = (position - first) * width + row * topK;
      const routed = isRouted(all, start, topK);
      for (let k = 0; k < topK; k++) {
        const id = all[start + k];
        const index = `[${position}, ${row}, ${k}]`;
        if (!Number.isInteger(id)) {
          ids.refuse(
            `${id} is not an expert id`,
            index,
            'give routed_experts of a completion; import router logits as hf'
          );
        }
        if (!(id >= -1 && id < (facts.experts ?? MAX_EXPERTS))) {
          ids.refuse(
            `invalid expert ${id}${facts.experts === undefined ? '' : `: the model has ${facts.experts}`}`,
            index,
            HINT
          );
        }
        for (let before = 0; before < k && routed && id >= 0; before++) {
          if (all[start + before] === id) {
            ids.refuse(`the token has expert ${id} twice`, index, HINT);
          }
        }
        selected[t * topK + k] = routed ? id : -1;
      }
    });
    layers.push({
      layer: block,
      experts: facts.experts ?? 0,
      topK,
      score: 'softmax',
      logitsAre: 'logits',
      logits: new Float32Array(),
      selected,
      weights: new Float32Array()
    });
  });
  const tokens = positions.map((row): Token => {
    const position = (ids.start ?? 0) + row;
    const given = ids.tokenIds?.[position];
    const id = tokenId(given);
    // Negative ids stand for tokens that are not known.
    if (id === NO_TOKEN_ID && given !== undefined && given >= 0) {
      note(
        `${ids.sample} has numbers that are no token's id, such as ${given}: these tokens are unknown`
      );
    }
    return { position, id };
  });
  return { id: ids.sample, tokens, layers };
}
