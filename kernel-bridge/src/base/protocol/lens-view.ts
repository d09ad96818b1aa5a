/** Layer lens view: the top tokens of each layer and each selected expert, for a chosen token. */
import { count, figure, flag, list, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import { readPrompt, readRefusal, type Refusal } from './generated';
import type {
  ExpertVote,
  LensData,
  LensExperts,
  LensLayer,
  RankedToken
} from './lens';
import {
  decodeIdentity,
  decodePlace,
  decodeTokens,
  layerName
} from './routing';
import type { ToolState } from './tools';

export interface LensState extends ToolState {
  prompt: string;
  /** Null before a prompt is read. */
  lens: LensData | null;
  /** Forward passes done, and in total. */
  done: number;
  total: number;
  refusal: Refusal | null;
  /** State of the page when it stored the output: indices into the lens's layers and positions. */
  shown?: { layer: number; position: number };
}

export type LensAction = { do: 'read'; prompt: string } | { do: 'cancel' };

const MAX_LAYERS = 4096;
const MAX_POSITIONS = 4096;
const MAX_RANKED = 64;
const MAX_TEXT_LENGTH = 400;

/** @throws ProtocolError */
export function readLensAction(value: unknown): LensAction {
  const source = object(value, 'the action');
  const name = oneOf(source.do, ['read', 'cancel'], 'the action');
  return name === 'read'
    ? { do: name, prompt: readPrompt(source.prompt) }
    : { do: name };
}

/** @throws ProtocolError */
export function readLensState(value: unknown): LensState {
  const source = object(value, 'state');
  const lens = source.lens === null ? null : readLens(source.lens);
  const shown =
    lens && source.shown !== undefined
      ? object(source.shown, 'shown')
      : undefined;
  return {
    prompt: readPrompt(source.prompt),
    running: flag(source.running, 'running'),
    lens,
    done: count(source.done, 'done'),
    total: count(source.total, 'total'),
    refusal: readRefusal(source.refusal, lens?.layers.length ?? 0),
    ...(shown
      ? {
          shown: {
            layer: count(shown.layer, 'shown.layer', lens!.layers.length - 1),
            position: count(
              shown.position,
              'shown.position',
              lens!.positions.length - 1
            )
          }
        }
      : {})
  };
}

/** As text, for places that show nothing else. */
export function describeLens(model: string, { lens }: LensState): string {
  if (!lens) {
    return `LayerLens of ${model}`;
  }
  const last = lens.positions.length - 1;
  const token = lens.tokens[lens.positions[last]];
  return [
    `LayerLens of ${model}, after ${JSON.stringify(token.text ?? token.id)}:`,
    ...lens.layers.map(
      layer =>
        `${layerName(layer)}: ${layer.readings[last].top
          .slice(0, 5)
          .map(({ text: word, id }) => JSON.stringify(word ?? id))
          .join(', ')}`
    )
  ].join('\n');
}

function readLens(value: unknown): LensData {
  const source = object(value, 'lens');
  const tokens = decodeTokens(source.tokens, 'lens.tokens');
  const positions = list(source.positions, 'lens.positions', MAX_POSITIONS).map(
    (position, i) => count(position, `lens.positions[${i}]`, tokens.length - 1)
  );
  const layers = list(source.layers, 'lens.layers', MAX_LAYERS).map(
    (layer, i) => readLayer(layer, positions, `lens.layers[${i}]`)
  );
  if (layers.length === 0 || positions.length === 0) {
    throw new ProtocolError('the lens has no layers or no positions');
  }
  return {
    model: text(source.model, 'lens.model').slice(0, MAX_TEXT_LENGTH),
    tokens,
    positions,
    layers,
    experts: list(source.experts, 'lens.experts', MAX_LAYERS).map((own, i) =>
      readExperts(own, positions, `lens.experts[${i}]`)
    ),
    warnings: list(source.warnings, 'lens.warnings', MAX_LAYERS).map(
      (warning, i) =>
        text(warning, `lens.warnings[${i}]`).slice(0, MAX_TEXT_LENGTH)
    )
  };
}

function readLayer(
  value: unknown,
  positions: readonly number[],
  at: string
): LensLayer {
  const source = object(value, at);
  const readings = list(source.readings, `${at}.readings`).map((entry, i) => {
    const where = `${at}.readings[${i}]`;
    const reading = object(entry, where);
    return {
      position: count(reading.position, `${where}.position`),
      top: readRanked(reading.top, `${where}.top`),
      entropy: figure(reading.entropy, `${where}.entropy`),
      klToFinal: figure(reading.klToFinal, `${where}.klToFinal`),
      rankOfFinal: figure(reading.rankOfFinal, `${where}.rankOfFinal`)
    };
  });
  if (readings.length !== positions.length) {
    throw new ProtocolError(`${at} does not fit the positions`);
  }
  return {
    ...decodePlace(source, at),
    top: readings[readings.length - 1]?.top ?? [],
    readings
  };
}

function readExperts(
  value: unknown,
  positions: readonly number[],
  at: string
): LensExperts {
  const source = object(value, at);
  const own = list(source.positions, `${at}.positions`).map((entry, i) => {
    const where = `${at}.positions[${i}]`;
    const reading = object(entry, where);
    return {
      position: count(reading.position, `${where}.position`),
      votes: list(reading.votes, `${where}.votes`, MAX_RANKED).map((vote, v) =>
        readVote(vote, `${where}.votes[${v}]`)
      )
    };
  });
  if (own.length !== positions.length) {
    throw new ProtocolError(`${at} does not fit the positions`);
  }
  return { ...decodeIdentity(source, at), positions: own };
}

function readVote(value: unknown, at: string): ExpertVote {
  const source = object(value, at);
  return {
    expert: count(source.expert, `${at}.expert`),
    weight: figure(source.weight, `${at}.weight`),
    top: readRanked(source.top, `${at}.top`)
  };
}

/** Ranked tokens of the vocabulary. @throws ProtocolError */
export function readRanked(value: unknown, at: string): RankedToken[] {
  return list(value, at, MAX_RANKED).map((entry, i) => {
    const source = object(entry, `${at}[${i}]`);
    return {
      id: count(source.id, `${at}[${i}].id`),
      ...(source.text === undefined
        ? {}
        : {
            text: text(source.text, `${at}[${i}].text`).slice(
              0,
              MAX_TEXT_LENGTH
            )
          }),
      logit: figure(source.logit, `${at}[${i}].logit`),
      probability: figure(source.probability, `${at}[${i}].probability`)
    };
  });
}
