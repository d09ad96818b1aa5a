/** A compression plan: what to remove from each layer, where criteria disagree, what it saves, and the measured effect. */
import type { VegaLiteSpec } from '../../base/charts';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import type { Edits } from '../../run/edits/edits';
import { pictureBundle } from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import { specSvg } from '../../show/still-svg';
import type { PlanEffect } from '../held-out/measure-effect';
import type {
  CompressionDocument,
  LayerPlan,
  PlanSizes,
  RandomPlans
} from './compression-document';
import { planEdits } from './plan-edits';
import { planSpec } from './plan-figure';
import { effectTable, layerTable, pairTable, sizeTable } from './plan-tables';
import { planText } from './plan-text';

export class CompressionPlan implements Displayable {
  readonly layers: readonly LayerPlan[];
  /** On held-out prompts; null where the graph does not support the edits. */
  readonly effect: PlanEffect | null;
  /** What random plans of the same size do there. */
  readonly random: RandomPlans | null;
  /** Parameters and bytes before and after; null where the graph does not tell experts apart. */
  readonly sizes: PlanSizes | null;
  readonly warnings: readonly string[];

  constructor(private readonly _document: Omit<CompressionDocument, 'schema'>) {
    this.layers = _document.layers;
    this.effect = _document.effect;
    this.random = _document.random;
    this.sizes = _document.sizes;
    this.warnings = _document.warnings;
  }

  /** The plan as edits for `model.with`: pruned experts masked, merged ones swapped. */
  get edits(): Edits {
    return planEdits(this.layers);
  }

  /** The Vega-Lite specification: what becomes of each expert, and the effect beside that of random plans. */
  get spec(): VegaLiteSpec {
    return planSpec(this._document);
  }

  toJSON(): CompressionDocument {
    return { schema: 'moe-debugger/compression@1', ...this._document };
  }

  [MIMEBUNDLE](): Promise<JsonObject> {
    return pictureBundle(
      this.spec,
      [
        layerTable(this._document),
        ...(this.effect ? [effectTable(this.effect, this.random)] : []),
        ...(this.sizes ? [sizeTable(this.sizes)] : []),
        pairTable(this.layers)
      ],
      this.toString()
    );
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html or .svg.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => layerTable(this._document)),
      '.svg': () => specSvg(this.spec)
    });
  }

  toString(): string {
    return planText(this._document);
  }
}
