/** Identifies the router logits among the arrays of a dump, and their layers. */
import type { Stack } from '../../base/protocol';
import type { ArrayFile } from './array-file';
import { MAX_LAYERS, refuse, type ImportContext } from './importer';

/** The logits of one layer: [tokens, experts] from element `base` of an array. */
export interface RouterArray {
  array: ArrayFile;
  layer: number;
  base: number;
  /** Of all sequences together. */
  tokens: number;
  /** Number of sequences, if the array has an axis of them. */
  batch: number | undefined;
  experts: number;
}

const ROUTER = /router|gate/i;
/** The number is that of a block. */
const BLOCK = /(layers?|blocks?)[._-]?\d|(^|[._])h\.\d/i;
/** The number may be an index of the tuple. */
const INDEX = /([._-]|logits|router|gate)\d+$/i;
/** What numpy.savez calls the only array that has no name. */
const AUTOMATIC = /^arr_0$/;
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
  given: StackArrays,
  path: string,
  context: ImportContext
): RouterArray[] {
  const floats = given.arrays.filter(
    ({ name, kind, shape }) =>
      kind === 'float' && shape.length >= 2 && !OTHERS.has(name)
  );
  const named = floats.filter(({ name }) => ROUTER.test(name));
  const routers = named.length > 0 ? named : floats;
  if (routers.length === 0) {
    refuse('the file has no router logits', path, '', HINT);
  }
  refuseSeveralStacks(routers, context);
  const [only] = routers;
  const found =
    routers.length === 1 && holdsAllLayers(only, given, context)
      ? stacked(only)
      : routers.map((array, i) => ({
          array,
          layer: layerOf(array) ?? i,
          base: 0,
          tokens: rowsOf(array.shape),
          batch: array.shape.length === 3 ? array.shape[0] : undefined,
          experts: array.shape[array.shape.length - 1]
        }));
  const batch = found.find(router => router.batch !== undefined)?.batch;
  for (const { array, tokens, experts, batch: own = batch } of found) {
    if (
      own !== batch ||
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
    found
      .map(router => ({ ...router, batch }))
      .sort((a, b) => a.layer - b.layer),
    context
  );
}

/**
 * Whether the only array is [layers, ..., experts], and not one layer's [batch, tokens, experts]. A number in its name may
 * be that of a layer, of a model or of a run, so the shape tells it first, then config.json.
 */
function holdsAllLayers(
  array: ArrayFile,
  own: StackArrays,
  { facts }: ImportContext
): boolean {
  const { shape, name } = array;
  if (shape.length !== 3) {
    return shape.length > 3;
  }
  const [first, second] = shape;
  const beside = own.arrays.find(
    other => other.name === own.ids || other.name === own.mask
  );
  if (beside && first !== 1 && [second, first * second].includes(beside.size)) {
    return beside.size === second;
  }
  if (!/\d/.test(name) || AUTOMATIC.test(name)) {
    return true;
  }
  if (BLOCK.test(name)) {
    return false;
  }
  const { layers, dense = [] } = facts;
  if (layers !== undefined) {
    return first === layers || first === layers - dense.length;
  }
  return (
    !INDEX.test(name) ||
    array.refuse(
      `the array [${shape.join(', ')}] is ${first} layers, or one layer of ${first} sequences`,
      '',
      'give --layers or --config, or save input_ids beside it'
    )
  );
}

/** Dumps of several runs in one file would pass as layers. */
function refuseSeveralStacks(
  routers: readonly ArrayFile[],
  { facts: { layers, dense = [] } }: ImportContext
): void {
  if (layers === undefined || routers.length < 2) {
    return;
  }
  const counts = [layers, layers - dense.length];
  if (
    !counts.includes(routers.length) &&
    routers.every(
      ({ shape, name }) =>
        shape.length >= 3 && counts.includes(shape[0]) && !BLOCK.test(name)
    )
  ) {
    routers[1].refuse(
      `each of the ${routers.length} arrays has ${routers[0].shape[0]} layers`,
      '',
      'save each dump in a file of its own, in one folder'
    );
  }
}

/** [layers, tokens, experts] or [layers, batch, tokens, experts] */
function stacked(array: ArrayFile): RouterArray[] {
  const [layers, ...rest] = array.shape;
  if (layers > MAX_LAYERS) {
    array.refuse(`the array has ${layers} layers`, '', HINT);
  }
  const experts = rest[rest.length - 1];
  const tokens = rowsOf(rest);
  return Array.from({ length: layers }, (_, layer) => ({
    array,
    layer,
    base: layer * tokens * experts,
    tokens,
    batch: rest.length === 3 ? rest[0] : undefined,
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
function layerOf(array: ArrayFile): number | undefined {
  const { name } = array;
  const block = /layers?[._](\d+)/.exec(name)?.[1];
  const last = block ?? /(\d+)(?!.*\d)/.exec(name)?.[1];
  if (last === undefined) {
    return undefined;
  }
  return Number(last) < MAX_LAYERS
    ? Number(last)
    : array.refuse(
        `the number ${last.slice(0, 20)} in its name is not that of a layer`,
        '',
        'number the arrays by their layer'
      );
}

const rowsOf = (shape: readonly number[]): number =>
  shape.slice(0, -1).reduce((product, n) => product * n, 1);
