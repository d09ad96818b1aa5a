/** Steering controls: how much of a vector is added to the residual stream after each block, and what that changes. */
import { count, list, number, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import {
  describeTexts,
  readEditedText,
  readGenerateAction,
  type EditedTextState
} from './generated';
import { decodePlace, layerName, type RouterIdentity } from './routing';

/** A block that has a vector. */
export interface SteeringRow extends Pick<RouterIdentity, 'layer' | 'stack'> {
  /** Length of its vector. */
  norm: number;
  /** What the vector is multiplied by; 0 leaves the block as it is. */
  scale: number;
}

export interface SteeringState extends EditedTextState {
  /** Empty until there are vectors. */
  rows: SteeringRow[];
  /** What the vectors were made from, one prompt a line; null for vectors that were given. */
  contrast: { positive: string; negative: string } | null;
}

export type SteeringAction =
  /** `row` null: all layers alike. */
  | { do: 'scale'; row: number | null; scale: number }
  /** Makes vectors from contrast prompts, one a line. */
  | { do: 'contrast'; positive: string; negative: string }
  | { do: 'generate'; prompt: string; maxNewTokens: number }
  | { do: 'cancel' };

/** Largest scale, either way. */
export const MOST_STEERING = 20;
const MOST_ROWS = 4096;
const LONGEST_CONTRAST = 1 << 16;

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
      if (Math.abs(scale) > MOST_STEERING) {
        throw new ProtocolError(
          `a scale of ${scale} is beyond ±${MOST_STEERING}`
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
  const rows = list(source.rows, 'rows', MOST_ROWS).map((entry, i) => {
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

/** In words, for places that show only text. */
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
    positive: text(source.positive, 'positive', LONGEST_CONTRAST),
    negative: text(source.negative, 'negative', LONGEST_CONTRAST)
  };
}
