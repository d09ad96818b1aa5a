/** Identifies the router logits among the arrays of a dump, and their layers. */
import type { Stack } from '../../base/protocol';
import type { ArrayFile } from './array-file';
import { refuse, type ImportContext } from './importer';

/** The logits of one layer: [tokens, experts] from element `base` of an array. */
export interface RouterArray {
  array: ArrayFile;
  layer: number;
  base: number;
  /** Of all sequences together. */
  tokens: number;
  experts: number;
}

const ROUTER = /router|gate/i;
/** Arrays that hold tokens. */
export const OTHERS: ReadonlySet<string> = new Set([
  'input_ids',
  'attention_mask',
  'decoder_input_ids',
  'decoder_attention_mask'
]);
const HINT =
  'save outputs.router_logits: one array per layer, or stacked [layers, tokens, experts]';

/** Arrays of one stack, and the names of its token arrays. */
export interface StackArrays {
  /** Set if the file has both stacks. */
  stack?: Stack;
  arrays: readonly ArrayFile[];
  ids: string;
  mask: string;
}

/** Encoder-decoders save `encoder_router_logits` and `decoder_router_logits`, each with its own tokens. */
export function stacksOf(arrays: readonly ArrayFile[]): StackArrays[] {
  const decoder = (name: string): boolean => /(^|[^a-z])decoder/i.test(name);
  const routers = arrays.filter(({ name }) => !OTHERS.has(name));
  const [inDecoder, others] = [true, false].map(wanted =>
    routers.filter(({ name }) => decoder(name) === wanted)
  );
  const isBoth =
    inDecoder.length > 0 &&
    others.some(({ name }) => /(^|[^a-z])encoder/i.test(name));
  const plain = { ids: 'input_ids', mask: 'attention_mask' };
  if (!isBoth) {
    return [{ arrays, ...plain }];
  }
  const tokens = arrays.filter(({ name }) => OTHERS.has(name));
  return [
    { stack: 'encoder', arrays: [...others, ...tokens], ...plain },
    {
      stack: 'decoder',
      arrays: [...inDecoder, ...tokens],
      ids: 'decoder_input_ids',
      mask: 'decoder_attention_mask'
    }
  ];
}

/** @returns one per layer, in the order of layers, all of one shape */
export function routerArrays(
  arrays: readonly ArrayFile[],
  path: string,
  context: ImportContext
): RouterArray[] {
  const floats = arrays.filter(
    ({ name, kind, shape }) =>
      kind === 'float' && shape.length >= 2 && !OTHERS.has(name)
  );
  const named = floats.filter(({ name }) => ROUTER.test(name));
  const routers = named.length > 0 ? named : floats;
  if (routers.length === 0) {
    refuse('the file has no router logits', path, '', HINT);
  }
  const [only] = routers;
  const found =
    routers.length === 1 && only.shape.length > 2 && !/\d/.test(only.name)
      ? stacked(only)
      : routers.map((array, i) => ({
          array,
          layer: layerOf(array.name) ?? i,
          base: 0,
          tokens: rowsOf(array.shape),
          experts: array.shape[array.shape.length - 1]
        }));
  for (const { array, tokens, experts } of found) {
    if (
      tokens !== found[0].tokens ||
      experts !== found[0].experts ||
      array.shape.length > 4 ||
      array.size === 0
    ) {
      array.refuse(
        `the array [${array.shape.join(', ')}] does not match [${found[0].array.shape.join(', ')}] of ${found[0].array.name || 'the first'}`,
        '',
        HINT
      );
    }
  }
  return numbered(
    found.sort((a, b) => a.layer - b.layer),
    context
  );
}

/** [layers, tokens, experts] or [layers, batch, tokens, experts] */
function stacked(array: ArrayFile): RouterArray[] {
  const [layers, ...rest] = array.shape;
  if (layers > 10_000) {
    array.refuse(`the array has ${layers} layers`, '', HINT);
  }
  const experts = rest[rest.length - 1];
  const tokens = rowsOf(rest);
  return Array.from({ length: layers }, (_, layer) => ({
    array,
    layer,
    base: layer * tokens * experts,
    tokens,
    experts
  }));
}

/**
 * Entries of the tuple belong to routers: config.json says which blocks have one. Arrays that are numbered from 0 without
 * a gap, as many as there are routers, enumerate the tuple, also where they are called `layer_0`.
 */
function numbered(
  routers: RouterArray[],
  { facts, note }: ImportContext
): RouterArray[] {
  const twice = routers.find(({ layer }, i) => layer === routers[i - 1]?.layer);
  if (twice) {
    twice.array.refuse(
      `layer ${twice.layer} occurs twice`,
      '',
      'number the arrays by their layer'
    );
  }
  const { layers = 0, dense = [] } = facts;
  const blocks = Array.from({ length: layers }, (_, i) => i).filter(
    block => !dense.includes(block)
  );
  const without = routers.find(({ layer }) => dense.includes(layer));
  if (!without) {
    return routers;
  }
  if (
    blocks.length !== routers.length ||
    routers.some(({ layer }, i) => layer !== i)
  ) {
    without.array.refuse(
      `layer ${without.layer} has no router by config.json, whose routers are in ${blocks.length} blocks; there are ${routers.length} arrays`,
      '',
      'number the arrays by their block, or give the config.json of this model'
    );
  }
  note('the layers are only those with a router: numbered by config.json');
  return routers.map((router, i) => ({ ...router, layer: blocks[i] }));
}

/** 3 for "model.layers.3.mlp.gate"; for other names the last number. */
function layerOf(name: string): number | undefined {
  const block = /layers?[._](\d{1,4})/.exec(name)?.[1];
  const last = block ?? /(\d{1,4})(?!.*\d)/.exec(name)?.[1];
  return last === undefined ? undefined : Number(last);
}

const rowsOf = (shape: readonly number[]): number =>
  shape.slice(0, -1).reduce((product, n) => product * n, 1);
