/** The residual stream after each block, at the target's token, in both runs of a pair. */
import {
  watchedTensors,
  type RecordedRun,
  type TwoRuns
} from '../../patching/two-runs';

/** A point of the stream. */
export interface StreamPoint {
  layer: number;
  tensor: string;
}

/** One row a point, [width]. */
export interface StreamRows {
  layers: number[];
  clean: Float32Array[];
  corrupted: Float32Array[];
}

export function streamPoints({ layout }: TwoRuns): StreamPoint[] {
  return watchedTensors(layout).residual.map(({ branch, tensor }) => ({
    layer: layout.branches[branch].layer,
    tensor
  }));
}

export function streamRows(runs: TwoRuns): StreamRows {
  const rows = ({ tensors }: RecordedRun): Float32Array[] =>
    streamPoints(runs).map(({ tensor }) => {
      const values = tensors.get(tensor)!;
      const width = values.length / runs.clean.run.sequence.ids.length;
      const { position } = runs.target;
      return values.slice(position * width, (position + 1) * width);
    });
  return {
    layers: streamPoints(runs).map(({ layer }) => layer),
    clean: rows(runs.clean),
    corrupted: rows(runs.corrupted)
  };
}
