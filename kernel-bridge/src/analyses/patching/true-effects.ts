/** Activation patching: runs the model with activations of another run, many patches per batch. */
import { largestThatFits } from '../attribution/batches';
import { cancellable } from '../../run/engine/cancel';
import type { TensorValue } from '../../run/engine/messages';
import type { GradientSession } from '../../run/gradients/gradient-session';
import { checkMemory } from '../../run/gradients/memory';
import type { PatchDirection } from '../../base/protocol';
import { between } from './first-order';
import { noPatches, patchGraph, type PatchGraph } from './patch-graph';
import { valuesOf, type PatchNode } from './patch-nodes';
import type { RecordedRun, TwoRuns } from './two-runs';

/** One patch: a node at one token, or at all. */
export interface Patch {
  node: PatchNode;
  position?: number;
}

export interface PatchRunOptions {
  batch?: number;
  signal?: AbortSignal;
  /** Called after each run with its number of patches. */
  onRun?: (patches: number) => void;
}

/** The arrays that carry a batch's patches limit their number. */
const MAX_PATCHES = 32;

export class TruePatching {
  private readonly _graph: PatchGraph;
  private readonly _base: RecordedRun;
  private readonly _other: RecordedRun;

  constructor(
    private readonly _runs: TwoRuns,
    direction: PatchDirection
  ) {
    this._graph = patchGraph(_runs.layout);
    const { base, other } = between(_runs, direction);
    this._base = base;
    this._other = other;
  }

  /**
   * Change of the target by each patch alone.
   * @throws MoEDebuggerError 'gradient' when the memory limit is too small; 'cancelled'
   */
  async effects(
    patches: readonly Patch[],
    options: PatchRunOptions = {}
  ): Promise<number[]> {
    const { gradients, target, memoryLimit, largest } = this._runs;
    const session = await cancellable(
      gradients.session({
        kind: target.kind,
        tensor: target.tensor,
        forwardOnly: true,
        on: this._graph.derived
      }),
      options.signal
    );
    const { tokens } = this;
    const bytes = (batch: number): number => session.bytes({ batch, tokens });
    checkMemory(bytes(1), memoryLimit, { batch: 1, tokens });
    const size = largestThatFits(
      Math.min(options.batch ?? MAX_PATCHES, largest),
      batch => bytes(batch) <= memoryLimit
    );
    const effects = new Array<number>(patches.length);
    // Grouped by tensor: the other tensors get feeds that patch nothing.
    const order = patches
      .map((patch, i) => ({ patch, i }))
      .sort((a, b) =>
        a.patch.node.tensor < b.patch.node.tensor
          ? -1
          : a.patch.node.tensor > b.patch.node.tensor
            ? 1
            : a.i - b.i
      );
    for (let start = 0; start < order.length; start += size) {
      const batch = order.slice(start, start + size);
      const values = await this._run(
        session,
        batch.map(({ patch }) => patch),
        options.signal
      );
      batch.forEach(
        ({ i }, row) => (effects[i] = values[row] - this._base.value)
      );
      options.onRun?.(batch.length);
    }
    return effects;
  }

  get tokens(): number {
    return this._base.run.sequence.ids.length;
  }

  private async _run(
    session: GradientSession,
    patches: readonly Patch[],
    signal?: AbortSignal
  ): Promise<Float32Array> {
    const feeds = noPatches(this._graph);
    for (const tensor of new Set(patches.map(({ node }) => node.tensor))) {
      const { keep, value } = this._graph.inputs.get(tensor)!;
      const own = this._tables(tensor, patches);
      feeds[keep] = own.keep;
      feeds[value] = own.value;
    }
    const [scale] = this._base.run.scales as readonly number[];
    const { values } = await cancellable(
      session.run({
        ...this._base.run,
        scales: patches.map(() => scale),
        feeds
      }),
      signal
    );
    return values;
  }

  /** Factor and addend of one tensor for each row of a batch. */
  private _tables(
    tensor: string,
    patches: readonly Patch[]
  ): { keep: TensorValue; value: TensorValue } {
    const { tokens } = this;
    const width = this._base.tensors.get(tensor)!.length / tokens;
    const keep = new Float32Array(patches.length * tokens).fill(1);
    const value = new Float32Array(patches.length * tokens * width);
    patches.forEach(({ node, position }, row) => {
      if (node.tensor !== tensor) {
        return;
      }
      const other = valuesOf(node, this._other);
      const base = valuesOf(node, this._base);
      for (
        let t = position ?? 0;
        t < (position === undefined ? tokens : position + 1);
        t++
      ) {
        // Parts of a branch are patched by adding their difference; a whole tensor is replaced.
        const part = node.part !== undefined;
        keep[row * tokens + t] = part ? 1 : 0;
        for (let i = t * width; i < (t + 1) * width; i++) {
          value[row * tokens * width + i] = part
            ? other[i] - base[i]
            : other[i];
        }
      }
    });
    return {
      keep: { type: 'float32', dims: [patches.length, tokens, 1], data: keep },
      value: {
        type: 'float32',
        dims: [patches.length, tokens, width],
        data: value
      }
    };
  }
}
