/** Edits as inputs of a run, and as adjustments for validating its routing. */
import type { TensorValue } from '../engine/messages';
import type { Step } from '../model/inputs';
import type { Adjustment } from '../../routing/adjustment';
import type { Router } from '../../routing/convention';
import type { RouterSlots } from './slots';
import { includes, type EditRecord } from './edits';
import type { RouterEdits } from './resolve-edits';
import type { RoutingPin } from './routing-pin';
import type { StreamEdits } from './stream-edits';

/** Tables of one router for one run. */
interface Tables extends Adjustment {
  bias: Float32Array;
  selectionBias: Float32Array;
  mask: Uint8Array;
  scale: Float32Array;
  map: Int32Array;
  ids: Int32Array;
  values: Float32Array;
  rows: number;
}

export class RunEdits {
  private readonly _shared = new Map<number, Tables>();

  /**
   * @param _routers before the edits
   * @param _slots and `_edits`: one per router
   * @param records every edit
   * @param _pins by router: the routing that it is held to, in runs of one whole sequence
   */
  constructor(
    private readonly _routers: readonly Router[],
    private readonly _slots: readonly RouterSlots[],
    private readonly _edits: readonly RouterEdits[],
    private readonly _stream: StreamEdits,
    readonly records: readonly EditRecord[],
    private readonly _pins: readonly (RoutingPin | undefined)[] = []
  ) {}

  /** The values of the edited graph's edit inputs. */
  feeds(step: Step): Record<string, TensorValue> {
    const feeds = this._stream.feeds(step);
    this._routers.forEach((router, i) => {
      const {
        bias,
        selectionBias,
        mask,
        scale,
        map,
        force,
        forceWeights,
        topK
      } = this._slots[i];
      const tables = this._tables(i, step);
      const { rows } = tables;
      const k = this._edits[i].topK;
      if ('input' in bias) {
        feeds[bias.input] = floats(tables.bias, rows);
      }
      if ('input' in selectionBias) {
        feeds[selectionBias.input] = floats(tables.selectionBias, rows);
      }
      if ('input' in mask) {
        feeds[mask.input] = {
          type: 'bool',
          dims: [rows, router.experts],
          data: tables.mask
        };
      }
      if ('input' in scale) {
        feeds[scale.input] = floats(tables.scale, rows);
      }
      if ('input' in map) {
        feeds[map.input] = integers(tables.map, rows);
      }
      if ('input' in force) {
        feeds[force.input] = integers(tables.ids, rows);
      }
      if (forceWeights !== undefined) {
        feeds[forceWeights] = floats(
          router.tensors.weights === null
            ? byExpert(tables, router.experts, k)
            : tables.values,
          rows
        );
      }
      if ('input' in topK) {
        feeds[topK.input] = {
          type: 'int64',
          dims: [1],
          data: BigInt64Array.of(BigInt(k))
        };
      }
    });
    return feeds;
  }

  /** By router; undefined for unedited ones. */
  adjustments(step: Step): (Adjustment | undefined)[] {
    return this._edits.map(({ records }, i) =>
      this._pins[i] || records.some(({ kind }) => kind !== 'topK')
        ? this._tables(i, step)
        : undefined
    );
  }

  private _tables(index: number, step: Step): Tables {
    const { stack } = this._routers[index];
    const { records } = this._edits[index];
    const pin = this._pins[index];
    if (pin) {
      return pinned(pin, this._routers[index]);
    }
    if (records.every(({ tokens }) => tokens === undefined)) {
      const shared = this._shared.get(index) ?? this._fill(index, [Number.NaN]);
      this._shared.set(index, shared);
      return shared;
    }
    const encoded = step.encoderIds?.flatMap(row => row.map((_, i) => i));
    return this._fill(
      index,
      stack === 'encoder' && encoded ? encoded : step.positions.flat()
    );
  }

  /** @param positions of the rows; NaN for a single row for all tokens */
  private _fill(index: number, positions: readonly number[]): Tables {
    const { experts, tensors } = this._routers[index];
    const dense = tensors.weights === null;
    const { records, topK } = this._edits[index];
    const byLogits = this._slots[index].forcedByLogits === true;
    const rows = positions.length;
    const tables: Tables = {
      rows,
      bias: new Float32Array(rows * experts),
      selectionBias: new Float32Array(rows * experts),
      mask: new Uint8Array(rows * experts),
      scale: new Float32Array(rows * experts).fill(1),
      map: Int32Array.from({ length: rows * experts }, (_, i) => i % experts),
      ids: new Int32Array(rows * topK).fill(-1),
      values: new Float32Array(rows * topK)
    };
    positions.forEach((position, row) => {
      for (const record of records.filter(({ tokens }) =>
        includes(tokens, position)
      )) {
        const at = row * experts + (record.expert ?? 0);
        if (record.kind === 'bias') {
          tables.bias[at] = record.value!;
        } else if (record.kind === 'selectionBias') {
          tables.selectionBias[at] = record.value!;
        } else if (record.kind === 'scale') {
          tables.scale[at] = record.value!;
        } else if (record.kind === 'force' && byLogits) {
          // The operator gives all its weight to the only expert that is left.
          tables.mask.fill(1, row * experts, (row + 1) * experts);
          tables.mask[at] = 0;
        } else if (record.kind === 'force') {
          // Slots beside the forced expert have zero weight and distinct experts, since some graphs store one weight per expert.
          for (let slot = 0; slot < topK; slot++) {
            tables.ids[row * topK + slot] = (record.expert! + slot) % experts;
            tables.values[row * topK + slot] = slot === 0 ? 1 : 0;
          }
          if (dense) {
            tables.scale.fill(0, row * experts, (row + 1) * experts);
          }
        } else if (record.mode === 'mask') {
          tables.mask[at] = 1;
        } else if (record.mode === 'drop') {
          tables.scale[at] = 0;
        } else if (record.mode === 'swap') {
          tables.map[at] = record.to!;
        }
      }
    });
    return tables;
  }
}

function pinned(
  { topK, selected, weights }: RoutingPin,
  { experts, tensors }: Router
): Tables {
  const rows = selected.length / topK;
  return {
    rows,
    bias: new Float32Array(rows * experts),
    selectionBias: new Float32Array(rows * experts),
    mask: new Uint8Array(rows * experts),
    scale: new Float32Array(rows * experts).fill(
      tensors.weights === null ? 0 : 1
    ),
    map: Int32Array.from({ length: rows * experts }, (_, i) => i % experts),
    ids: selected,
    values: weights
  };
}

/** The weights of forced experts, laid out by expert. */
function byExpert(
  { ids, values, rows }: Tables,
  experts: number,
  k: number
): Float32Array {
  const table = new Float32Array(rows * experts);
  ids.forEach((expert, i) => {
    if (expert >= 0) {
      table[Math.floor(i / k) * experts + expert] = values[i];
    }
  });
  return table;
}

function floats(data: Float32Array, rows: number): TensorValue {
  return { type: 'float32', dims: [rows, data.length / rows], data };
}

function integers(data: Int32Array, rows: number): TensorValue {
  return {
    type: 'int64',
    dims: [rows, data.length / rows],
    data: BigInt64Array.from(data, BigInt)
  };
}
