/** Gathers facts of the layers during an import: their cards are complete only at its end. */
import { MoEDebuggerError } from '../../base/errors';
import type { LayerCard, MoELayerCard } from '../../run/model/description';
import {
  layerName,
  type RoutingLayer,
  type RoutingSample
} from '../../base/protocol';
import { MAX_EXPERTS, routerKey } from '../trace/cards';
import { isWeightOfNone, sumsTo } from '../trace/check-selection';
import type { ImportFormat } from './formats';
import { MAX_LAYERS, type ModelFacts } from './importer';

interface Tally {
  layer: RoutingLayer;
  largest: number;
  hasWeights: boolean;
  sumsToOne: boolean;
}

export class LayerTally {
  private readonly _layers = new Map<string, Tally>();
  private _nonFinite = 0;

  constructor(
    private readonly _facts: ModelFacts,
    private readonly _file: string
  ) {}

  /** @throws MoEDebuggerError 'input' for an invalid expert, or weights that do not sum as the model's do */
  add(sample: RoutingSample): void {
    for (const layer of sample.layers) {
      const tally = this._of(layer, sample);
      const { selected, weights, topK } = layer;
      if (layer.layer >= MAX_LAYERS) {
        this._refuse(
          `invalid layer ${layer.layer}: the limit is ${MAX_LAYERS}`,
          sample,
          layer,
          0
        );
      }
      const limit = this._facts.experts ?? MAX_EXPERTS;
      for (let slot = 0; slot < selected.length; slot++) {
        const expert = selected[slot];
        if (expert >= limit || expert < -1) {
          this._refuse(
            `invalid expert ${expert}: the limit is ${limit}`,
            sample,
            layer,
            slot
          );
        }
        tally.largest = Math.max(tally.largest, expert);
      }
      for (let first = 0; first < weights.length; first += topK) {
        this._weights(tally, sample, layer, first);
      }
    }
  }

  /** Cards of all layers, by layer number; reports to `note` what was detected or assumed. */
  cards(format: ImportFormat, note: (text: string) => void): LayerCard[] {
    const facts = this._facts;
    const all = [...this._layers.values()];
    const experts =
      facts.experts ?? 1 + Math.max(0, ...all.map(({ largest }) => largest));
    this._checkCounts(experts);
    if (facts.experts === undefined) {
      note(
        `assumed: ${experts} experts per layer, the largest id plus one; --experts or --config gives the exact number`
      );
    }
    const weighted = all.filter(({ hasWeights }) => hasWeights);
    if (weighted.length === 0) {
      note('the file has no weights, only selected experts');
    } else if (facts.renormalized === undefined) {
      note(
        weighted.every(({ sumsToOne }) => sumsToOne)
          ? 'assumed: weights are renormalised, since those of a token sum to 1'
          : 'assumed: weights are not renormalised, since those of a token do not sum to 1'
      );
    }
    if (this._nonFinite > 0) {
      note(`${this._nonFinite} weights are NaN, and kept`);
    }
    const cards: LayerCard[] = all.map(tally =>
      this._card(tally, experts, format)
    );
    for (const layer of facts.dense ?? []) {
      if (all.every(tally => tally.layer.layer !== layer)) {
        cards.push({ layer, moe: false });
      }
    }
    this._compareWithConfig(note);
    const isDecoder = ({ stack }: Pick<LayerCard, 'stack'>): number =>
      stack === 'decoder' ? 1 : 0;
    return cards.sort(
      (a, b) => isDecoder(a) - isDecoder(b) || a.layer - b.layer
    );
  }

  /** @throws MoEDebuggerError 'input' for counts that readers of the trace refuse: tokens without experts hide how many there are */
  private _checkCounts(experts: number): void {
    if (experts > MAX_EXPERTS) {
      throw new MoEDebuggerError(
        'input',
        `there are ${experts} experts per layer: the limit is ${MAX_EXPERTS}`,
        { where: this._file, hint: 'check that these are routers' }
      );
    }
    for (const { layer } of this._layers.values()) {
      if (layer.topK > experts) {
        const largest = this._facts.experts === undefined;
        throw new MoEDebuggerError(
          'input',
          `a token cannot select ${layer.topK} of ${experts} experts${largest ? ', which are as many as the largest id tells' : ''}`,
          {
            where: `${this._file}, ${layerName(layer)}`,
            hint: "give --experts, or the model's config.json with --config, and check --top-k"
          }
        );
      }
    }
  }

  /** Says where the file's layers are others than those with a router by config.json. */
  private _compareWithConfig(note: (text: string) => void): void {
    const { dense = [], layers } = this._facts;
    const found = new Set([...this._layers.values()].map(t => t.layer.layer));
    const say = (which: number[], what: string): void => {
      if (which.length > 0) {
        note(
          `layers ${which.slice(0, 20).join(', ')}${which.length > 20 ? ', ...' : ''} ${what}`
        );
      }
    };
    say(
      dense.filter(layer => found.has(layer)),
      'have routing, but no router by config.json: the layers may be numbered in another way'
    );
    if (layers !== undefined) {
      say(
        [...found].filter(layer => layer >= layers),
        `have routing, but the model has ${layers} blocks: they may predict further tokens`
      );
      say(
        Array.from(
          { length: Math.min(layers, MAX_LAYERS) },
          (_, i) => i
        ).filter(layer => !found.has(layer) && !dense.includes(layer)),
        'have no routing in the file, but a router by config.json'
      );
    }
  }

  private _card(
    { layer, hasWeights, sumsToOne }: Tally,
    experts: number,
    format: ImportFormat
  ): MoELayerCard {
    const {
      score,
      scale,
      groups,
      sharedExperts = 0,
      renormalized
    } = this._facts;
    return {
      layer: layer.layer,
      ...(layer.stack ? { stack: layer.stack } : {}),
      ...(layer.module ? { module: layer.module } : {}),
      moe: true,
      experts,
      topK: layer.topK,
      score: score ?? layer.score,
      scoreBeforeTopK: true,
      renormalized: renormalized ?? (hasWeights && sumsToOne),
      ...(scale === undefined ? {} : { scale }),
      ...(groups ? { groups } : {}),
      sharedExperts,
      router: {
        pattern: `imported (${format})`,
        logits: '',
        logitsAre: layer.logitsAre,
        selected: null,
        weights: null
      }
    };
  }

  private _of(layer: RoutingLayer, sample: RoutingSample): Tally {
    const key = routerKey(layer);
    let tally = this._layers.get(key);
    if (!tally) {
      // Its arrays belong to another part: only its identity is kept.
      const none = new Float32Array();
      tally = {
        layer: {
          ...layer,
          logits: none,
          weights: none,
          selected: new Int32Array()
        },
        largest: -1,
        hasWeights: false,
        sumsToOne: true
      };
      this._layers.set(key, tally);
    }
    if (
      tally.layer.topK !== layer.topK ||
      tally.layer.logitsAre !== layer.logitsAre
    ) {
      this._refuse(
        `a token selects ${layer.topK} experts, but earlier ones ${tally.layer.topK}`,
        sample,
        layer,
        0
      );
    }
    return tally;
  }

  private _weights(
    tally: Tally,
    sample: RoutingSample,
    layer: RoutingLayer,
    first: number
  ): void {
    const { weights, selected, topK } = layer;
    let sum = 0;
    let dropped = false;
    for (let slot = first; slot < first + topK; slot++) {
      sum += weights[slot];
      dropped ||= selected[slot] < 0;
      if (Math.abs(weights[slot]) === Infinity) {
        this._refuse('the weight is infinite', sample, layer, slot);
      }
      if (weights[slot] < 0) {
        this._refuse(
          `the weight ${weights[slot]} is negative`,
          sample,
          layer,
          slot
        );
      }
      if (isWeightOfNone(selected[slot], weights[slot])) {
        this._refuse(
          `there is no expert, but the weight ${weights[slot]}`,
          sample,
          layer,
          slot
        );
      }
      this._nonFinite += Number.isNaN(weights[slot]) ? 1 : 0;
    }
    tally.hasWeights = true;
    if (dropped || !Number.isFinite(sum)) {
      return;
    }
    tally.sumsToOne &&= sumsTo(sum, 1);
    const { renormalized, scale = 1 } = this._facts;
    if (renormalized && !sumsTo(sum, scale)) {
      this._refuse(
        `the weights sum to ${sum.toPrecision(4)}, but the model's sum to ${scale}`,
        sample,
        layer,
        first
      );
    }
  }

  private _refuse(
    what: string,
    sample: RoutingSample,
    layer: RoutingLayer,
    slot: number
  ): never {
    const position = sample.tokens[Math.floor(slot / layer.topK)]?.position;
    throw new MoEDebuggerError('input', what, {
      where: `${this._file}, sample ${sample.id}, ${layerName(layer)}, position ${position}, rank ${slot % layer.topK}`,
      hint: 'check that options and config.json belong to the traced model'
    });
  }
}
