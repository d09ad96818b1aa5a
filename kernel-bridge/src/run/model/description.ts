/** A model's card: printed by `inspect` and displayed in a cell. */
import { counted, layerName, type Stack } from '../../base/protocol';
import type { OnnxModel } from '../../onnx/file/model';
import type { Convention, Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';

export interface MoELayerCard extends Convention {
  layer: number;
  stack?: Stack;
  module?: string;
  moe: true;
  experts: number;
  topK: number;
  sharedExperts: number;
  /** The logits are c tanh(x / c) of the product with the router's weights. */
  softcap?: number;
  /** Experts that the graph has no path for. */
  lostExperts?: number[];
  router: {
    pattern: string;
    logits: string;
    logitsAre: 'logits' | 'probabilities';
    /** From the product with the router's weights to the point where the logits are read, as text. */
    logitsAfter?: string[];
    /** Tensor names; null if computed from the logits. */
    selected: string | string[] | null;
    weights: string | string[] | null;
  };
}

export interface DenseLayerCard {
  layer: number;
  stack?: Stack;
  moe: false;
}

/** A layer where nodes select in a way that no pattern describes, so that it is neither known to be dense nor read. */
export interface UnreadLayerCard {
  layer: number;
  stack?: Stack;
  moe: null;
  /** The selecting nodes. */
  unread: string[];
}

export type LayerCard = MoELayerCard | DenseLayerCard | UnreadLayerCard;

export interface ModelDescription {
  schema: 'moe-debugger/inspect@1';
  model: {
    name: string;
    path: string;
    opset: number;
    producer: string;
    parameters: number;
    bytes: number;
  };
  layers: LayerCard[];
  warnings: string[];
}

export function describeModel(
  model: OnnxModel,
  found: FoundRouters,
  warnings: string[]
): ModelDescription {
  const { name, file, opset, producer, parameters, bytes } = model;
  return {
    schema: 'moe-debugger/inspect@1',
    model: { name, path: file, opset, producer, parameters, bytes },
    layers: layerCards(found),
    warnings
  };
}

/** Cards of all blocks in order: routers in graph order, dense blocks between them. */
function layerCards({ routers, blocks, unknown }: FoundRouters): LayerCard[] {
  const cards: LayerCard[] = [];
  for (const { stack, blocks: count } of blocks.counts) {
    const own = routers.filter(router => router.stack === stack);
    const unread = unknown.flatMap(({ node, place }) =>
      place && place.stack === stack
        ? [{ layer: place.layer, node: `${node.op} ${node.name}`.trim() }]
        : []
    );
    const last = Math.max(count - 1, ...own.map(({ layer }) => layer));
    for (let layer = 0; layer <= last; layer++) {
      const here = own.filter(router => router.layer === layer);
      cards.push(
        ...(here.length > 0
          ? here.map(moeCard)
          : [
              plainCard(
                { layer, ...(stack ? { stack } : {}) },
                unread.filter(at => at.layer === layer).map(({ node }) => node)
              )
            ])
      );
    }
  }
  return cards;
}

function plainCard(
  place: Pick<DenseLayerCard, 'layer' | 'stack'>,
  unread: string[]
): DenseLayerCard | UnreadLayerCard {
  return unread.length > 0
    ? { ...place, moe: null, unread }
    : { ...place, moe: false };
}

function moeCard(router: Router): MoELayerCard {
  const {
    layer,
    stack,
    module,
    experts,
    topK,
    convention,
    sharedExperts,
    lost,
    pattern,
    tensors,
    softcap,
    logitSteps
  } = router;
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    moe: true,
    experts,
    topK,
    ...convention,
    sharedExperts,
    ...(softcap === undefined ? {} : { softcap }),
    ...(lost ? { lostExperts: lost } : {}),
    router: {
      pattern,
      logits: tensors.logits,
      logitsAre: tensors.logitsAre,
      ...(logitSteps && logitSteps.length > 0
        ? { logitsAfter: logitSteps }
        : {}),
      selected: single(tensors.selected),
      weights: tensors.denseWeights ?? single(tensors.weights)
    }
  };
}

function single(names: string[] | null): string | string[] | null {
  return names?.length === 1 ? names[0] : names;
}

/** The description as text: one line per layer. */
export function formatDescription({
  model,
  layers,
  warnings
}: ModelDescription): string {
  const moe = layers.filter(layer => layer.moe);
  const lines = [
    `${model.name}: ${model.parameters.toLocaleString('en')} parameters, ${(model.bytes / 2 ** 20).toFixed(1)} MB, opset ${model.opset}, ${model.producer}`,
    `${moe.length} of ${counted(layers.length, 'layer')} are MoE`,
    ''
  ];
  for (const card of layers) {
    lines.push(
      `  ${layerName(card).padEnd(18)} ${card.moe ? describeCard(card) : describePlain(card)}`
    );
  }
  lines.push(...warnings.map(warning => `warning: ${warning}`));
  return lines.join('\n');
}

function describePlain(card: DenseLayerCard | UnreadLayerCard): string {
  return card.moe === null
    ? `not read: ${card.unread.join(', ')} selects in a way that no pattern describes`
    : 'dense';
}

function describeCard(card: MoELayerCard): string {
  const {
    experts,
    topK,
    router,
    sharedExperts,
    groups,
    capacity,
    lostExperts
  } = card;
  return [
    `top-${topK} of ${experts}`,
    router.pattern,
    ...describeNumbers(card),
    groups ? `best ${groups.selected} of ${groups.count} groups` : '',
    sharedExperts > 0 ? `${sharedExperts} shared` : '',
    capacity === undefined ? '' : `capacity ${capacity}`,
    lostExperts ? `${lostExperts.length} lost` : ''
  ]
    .filter(Boolean)
    .join(', ');
}

/** What changes a layer's numbers, and where its logits are read. */
function describeNumbers({
  selectionBias,
  scale,
  expertScale,
  outputScale,
  router
}: MoELayerCard): string[] {
  const after = (router.logitsAfter ?? []).slice(1);
  return [
    selectionBias ? `selection bias ${range(selectionBias)}` : '',
    scale === undefined ? '' : `scale ${short(scale)}`,
    expertScale ? `scale of each expert ${range(expertScale)}` : '',
    outputScale === undefined
      ? ''
      : `scale ${short(outputScale)} after the operator`,
    router.logitsAre === 'probabilities'
      ? 'probabilities in place of logits'
      : after.length > 0
        ? `logits read after ${after.join(', ')}`
        : ''
  ].filter(Boolean);
}

function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? short(low) : `${short(low)} to ${short(high)}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** The description as a Markdown table, for a cell. */
export function markdownDescription({
  model,
  layers,
  warnings
}: ModelDescription): string {
  const cell = (text: string): string =>
    text.replace(/[|\\`<>]/g, character => `\\${character}`);
  return [
    `**${cell(model.name)}** · ${model.parameters.toLocaleString('en')} parameters · ${(model.bytes / 2 ** 20).toFixed(1)} MB · ${layers.filter(({ moe }) => moe).length} of ${counted(layers.length, 'layer')} are MoE`,
    '',
    '| layer | experts | routing |',
    '|---|---|---|',
    ...layers.map(card =>
      card.moe
        ? `| ${cell(layerName(card))} | top-${card.topK} of ${card.experts}${card.sharedExperts > 0 ? ` + ${card.sharedExperts} shared` : ''} | ${cell([card.router.pattern, ...describeNumbers(card)].join(', '))} |`
        : `| ${cell(layerName(card))} | | ${cell(describePlain(card))} |`
    ),
    ...warnings.map(warning => `\n⚠ ${cell(warning)}`)
  ].join('\n');
}
