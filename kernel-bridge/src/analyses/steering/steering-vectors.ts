/** Steering vectors, one per block, to use as edits or save to a file. */
import { printableLine } from '../../base/printable';
import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle } from '../../show/result-table';
import type { Edits, Steering } from '../../run/edits/edits';
import type { JsonObject } from '../../base/kernel-api';
import { MIMEBUNDLE, type Displayable } from '../../base/kernel-api';
import { findPlace, layerName, type Stack } from '../../base/protocol';

export interface SteeringVector {
  layer: number;
  stack?: Stack;
  /** [width] */
  vector: Float32Array;
}

/** The document that `--steer` reads: edits of the residual stream and of routers. */
export interface SteeringDocument {
  schema: 'moe-debugger/steering@1';
  model?: string;
  steer: (Omit<Steering, 'vector'> & { vector: number[] })[];
  bias?: Edits['bias'];
}

export class SteeringVectors implements Displayable {
  constructor(
    readonly model: string,
    readonly vectors: readonly SteeringVector[]
  ) {}

  /**
   * The vector of one layer as an edit: `model.with({ steer: [vectors.at(3, 4)] })`.
   * @throws MoEDebuggerError 'input' for a layer that has none
   */
  at(
    layer: number,
    scale = 1,
    place: Pick<Steering, 'stack' | 'tokens'> = {}
  ): Steering {
    const found = findPlace(
      { layer, stack: place.stack },
      this.vectors,
      'input',
      { what: 'steering vector' }
    );
    return { ...this.vectors[found], ...place, scale };
  }

  toJSON(): SteeringDocument {
    return {
      schema: 'moe-debugger/steering@1',
      model: this.model,
      steer: this.vectors.map(({ vector, ...place }) => ({
        ...place,
        vector: [...vector]
      }))
    };
  }

  toString(): string {
    return this.vectors
      .map(
        own =>
          `${layerName(own)}  ${own.vector.length} values, length ${Math.hypot(...own.vector).toFixed(3)}`
      )
      .join('\n');
  }

  [MIMEBUNDLE](): JsonObject {
    return tableBundle(
      {
        title: `steering vectors of ${printableLine(this.model)}`,
        columns: ['layer', 'values', 'length'],
        rows: this.vectors.map(own => [
          layerName(own),
          own.vector.length,
          Math.hypot(...own.vector)
        ])
      },
      this.toString()
    );
  }

  /**
   * Writes it to a file atomically: .json, which `--steer` reads.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, resultForms(this));
  }
}
