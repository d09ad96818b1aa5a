/** Steering controls: scales of vectors added to the residual stream after each block, and the resulting text. */
import { count, list, number, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import {
  describeTexts,
  readEditedText,
  readGenerateAction,
  type EditedTextState
} from './generated';
import { decodePlace, layerName, type RouterIdentity } from './routing';

/** A block with a steering vector. */
export interface SteeringRow extends Pick<RouterIdentity, 'layer' | 'stack'> {
  /** Norm of its vector. */
  norm: number;
  /** Factor of the vector; 0 for no steering. */
  scale: number;
}

export interface SteeringState extends EditedTextState {
  /** Empty without vectors. */
  rows: SteeringRow[];
  /** The contrast prompts of the vectors, one per line; null for given vectors. */
  contrast: { positive: string; negative: string } | null;
}

export type SteeringAction =
  /** `row` null: all layers. */
  | { do: 'scale'; row: number | null; scale: number }
  /** Computes vectors from contrast prompts, one per line. */
  | { do: 'contrast'; positive: string; negative: string }
  | { do: 'generate'; prompt: string; maxNewTokens: number }
  | { do: 'cancel' };

/** Maximum absolute scale. */
export const MAX_STEERING_SCALE = 20;
const MAX_ROWS = 4096;
const MAX_CONTRAST_LENGTH = 1 << 16;

/** @throws ProtocolError */
export function readSteeringAction(value: unknown): SteeringAction {
  const source = object(value, 'the action');
  const name = oneOf(
    source.do,
    ['scale', 'contrast', 'generate', 'cancel'],
    'the action'
  );
  switch (name) {
    case 'scale': {
      const scale = number(source.scale, 'scale');
      if (Math.abs(scale) > MAX_STEERING_SCALE) {
        throw new ProtocolError(
          `a scale of ${scale} is beyond ±${MAX_STEERING_SCALE}`
        );
      }
      return {
        do: name,
        row: source.row === null ? null : count(source.row, 'row'),
        scale
      };
    }
    case 'contrast':
      return { do: name, ...readContrast(source) };
    case 'generate':
      return readGenerateAction(source);
    case 'cancel':
      return { do: name };
  }
}

/** @throws ProtocolError */
export function readSteeringState(value: unknown): SteeringState {
  const source = object(value, 'state');
  const rows = list(source.rows, 'rows', MAX_ROWS).map((entry, i) => {
    const row = object(entry, `rows[${i}]`);
    return {
      ...decodePlace(row, `rows[${i}]`),
      norm: number(row.norm, `rows[${i}].norm`),
      scale: number(row.scale, `rows[${i}].scale`)
    };
  });
  return {
    ...readEditedText(source, rows.length),
    rows,
    contrast:
      source.contrast === null
        ? null
        : readContrast(object(source.contrast, 'contrast'))
  };
}

/** As text, for places that show nothing else. */
export function describeSteering(model: string, state: SteeringState): string {
  const steered = state.rows
    .filter(({ scale }) => scale !== 0)
    .map(row => `${row.scale} × the vector of ${layerName(row)}`);
  return [
    `SteeringControls of ${model}: ${steered.length === 0 ? 'not steered' : steered.join(', ')}`,
    ...describeTexts(state)
  ].join('\n');
}

function readContrast(source: Record<string, unknown>): {
  positive: string;
  negative: string;
} {
  return {
    positive: text(source.positive, 'positive', MAX_CONTRAST_LENGTH),
    negative: text(source.negative, 'negative', MAX_CONTRAST_LENGTH)
  };
}
