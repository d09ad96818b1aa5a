/** Validates steering against a model's residual stream. */
import { MoEDebuggerError } from '../../base/errors';
import { fittingPlaces, layerName, whichOf } from '../../base/protocol';
import type { EditRecord, Steering } from './edits';
import { checkRange } from './resolve-edits';
import type { StreamEdit } from './stream-edits';
import type { StreamSlot } from './slots';

export interface ResolvedSteering {
  records: EditRecord[];
  /** One list per point. */
  edits: StreamEdit[][];
}

/** @throws MoEDebuggerError 'edit' naming the layer and what is possible there */
export function resolveSteering(
  steer: readonly Steering[],
  slots: readonly StreamSlot[]
): ResolvedSteering {
  const resolved: ResolvedSteering = {
    records: [],
    edits: slots.map(() => [])
  };
  for (const { layer, stack, vector, scale = 1, tokens } of steer) {
    const index = findPoint(layer, stack, slots);
    const { width, residual } = slots[index];
    const where = layerName(slots[index]);
    if ('refused' in residual) {
      throw new MoEDebuggerError(
        'edit',
        `this graph cannot be steered there: ${residual.refused}`,
        { where, hint: 'steer by biases of its routers instead' }
      );
    }
    if (vector?.length !== width) {
      throw new MoEDebuggerError(
        'edit',
        `a steering vector of ${String(vector?.length)} values does not fit a residual stream of width ${width}`,
        { where, hint: `give ${width} values` }
      );
    }
    const scaled = Float32Array.from(vector, value => value * scale);
    if (!scaled.every(Number.isFinite)) {
      throw new MoEDebuggerError(
        'edit',
        'a steering vector has values that are not finite',
        { where, hint: 'give finite values, and a finite scale' }
      );
    }
    checkRange(tokens, where);
    resolved.edits[index].push({
      vector: scaled,
      ...(tokens ? { tokens } : {})
    });
    resolved.records.push({
      kind: 'steer',
      layer,
      ...(slots[index].stack ? { stack: slots[index].stack } : {}),
      scale,
      norm: Math.hypot(...Array.from(vector)),
      ...(tokens ? { tokens } : {})
    });
  }
  return resolved;
}

function findPoint(
  layer: number,
  stack: Steering['stack'],
  slots: readonly StreamSlot[]
): number {
  const matches = fittingPlaces({ layer, stack }, slots);
  if (matches.length === 1) {
    return matches[0];
  }
  throw new MoEDebuggerError(
    'edit',
    matches.length > 1
      ? `layer ${layer} is in more than one stack`
      : `there is no layer ${String(layer)} to steer`,
    {
      where: layerName({ layer, ...(stack ? { stack } : {}) }),
      hint:
        slots.length === 0
          ? 'no residual stream was found: steer by biases of its routers instead'
          : matches.length > 1
            ? whichOf(matches.map(i => slots[i]))
            : `the model has ${slots.map(layerName).join(', ')}`
    }
  );
}
