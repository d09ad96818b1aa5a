/** Sweep view: the effect of ablating each expert, and the tokens that change. */
import { count, figure, flag, list, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import { readRefusal, type Refusal } from './generated';
import { decodePlace, layerName } from './routing';
import type { SweepDocument, SweepEffect, SweepRow, SweepToken } from './sweep';
import type { ToolState } from './tools';

const MODES = ['mask', 'drop'] as const;

export interface SweepState extends ToolState {
  /** One per line. */
  prompts: string;
  mode: (typeof MODES)[number];
  /** The result so far; null before a sweep begins. */
  sweep: SweepDocument | null;
  refusal: Refusal | null;
}

export type SweepAction =
  | { do: 'sweep'; prompts: string; mode: (typeof MODES)[number] }
  | { do: 'cancel' };

const MAX_PROMPTS_LENGTH = 1 << 20;
const MAX_CELLS = 1 << 15;
const MAX_TOKENS = 256;
const MAX_TEXT_LENGTH = 400;

/** @throws ProtocolError */
export function readSweepAction(value: unknown): SweepAction {
  const source = object(value, 'the action');
  const name = oneOf(source.do, ['sweep', 'cancel'], 'the action');
  return name === 'sweep'
    ? {
        do: name,
        prompts: text(source.prompts, 'prompts', MAX_PROMPTS_LENGTH),
        mode: oneOf(source.mode, MODES, 'mode')
      }
    : { do: name };
}

/** @throws ProtocolError */
export function readSweepState(value: unknown): SweepState {
  const source = object(value, 'state');
  const sweep = source.sweep === null ? null : readSweep(source.sweep);
  return {
    prompts: text(source.prompts, 'prompts', MAX_PROMPTS_LENGTH),
    mode: oneOf(source.mode, MODES, 'mode'),
    running: flag(source.running, 'running'),
    sweep,
    refusal: readRefusal(source.refusal, sweep?.routers.length ?? 0)
  };
}

/** As text, for places that show nothing else. */
export function describeSweep(model: string, { sweep }: SweepState): string {
  if (!sweep) {
    return `SweepView of ${model}`;
  }
  const strongest = [...sweep.rows].sort(
    (a, b) => (b.klMean ?? -1) - (a.klMean ?? -1)
  );
  return [
    `SweepView of ${model}: ${sweep.done} of ${sweep.total} (prompt, expert) pairs measured by ${sweep.mode}`,
    ...strongest
      .slice(0, 10)
      .map(
        row =>
          `${layerName(row)}, expert ${row.expert}: mean KL ${row.klMean?.toPrecision(4) ?? '-'}`
      )
  ].join('\n');
}

function readSweep(value: unknown): SweepDocument {
  const source = object(value, 'sweep');
  const routers = list(source.routers, 'sweep.routers').map((entry, i) => {
    const router = object(entry, `sweep.routers[${i}]`);
    return {
      ...decodePlace(router, `sweep.routers[${i}]`),
      experts: count(router.experts, `sweep.routers[${i}].experts`)
    };
  });
  const cells = routers.reduce((sum, { experts }) => sum + experts, 0);
  if (routers.length === 0 || cells > MAX_CELLS) {
    throw new ProtocolError(
      `${routers.length} layers with ${cells} experts cannot be shown: 1 to ${MAX_CELLS} can`
    );
  }
  const most = new Map(routers.map(own => [layerName(own), own.experts]));
  return {
    schema: 'moe-debugger/sweep@1',
    model: text(source.model, 'sweep.model').slice(0, MAX_TEXT_LENGTH),
    mode: oneOf(source.mode, MODES, 'sweep.mode'),
    prompts: count(source.prompts, 'sweep.prompts'),
    tokens: count(source.tokens, 'sweep.tokens'),
    done: count(source.done, 'sweep.done'),
    total: count(source.total, 'sweep.total'),
    routers,
    rows: list(source.rows, 'sweep.rows', MAX_CELLS).map((row, i) =>
      readRow(row, most, `sweep.rows[${i}]`)
    ),
    notes: list(source.notes, 'sweep.notes', MAX_TOKENS).map((note, i) =>
      text(note, `sweep.notes[${i}]`).slice(0, MAX_TEXT_LENGTH)
    )
  };
}

function readRow(
  value: unknown,
  experts: ReadonlyMap<string, number>,
  at: string
): SweepRow {
  const source = object(value, at);
  const place = decodePlace(source, at);
  const most = experts.get(layerName(place));
  if (most === undefined) {
    throw new ProtocolError(`${at} has a layer that is not listed`);
  }
  return {
    ...place,
    ...readEffect(source, at),
    expert: count(source.expert, `${at}.expert`, most - 1),
    mode: oneOf(source.mode, MODES, `${at}.mode`),
    ...(source.domains === undefined
      ? {}
      : {
          domains: list(source.domains, `${at}.domains`, MAX_TOKENS).map(
            (entry, i) => {
              const domain = object(entry, `${at}.domains[${i}]`);
              return {
                domain: text(domain.domain, `${at}.domains[${i}].domain`),
                ...readEffect(domain, `${at}.domains[${i}]`)
              };
            }
          )
        }),
    tokens: list(source.tokens, `${at}.tokens`, MAX_TOKENS).map((token, i) =>
      readToken(token, `${at}.tokens[${i}]`)
    )
  };
}

function readEffect(source: Record<string, unknown>, at: string): SweepEffect {
  return {
    prompts: count(source.prompts, `${at}.prompts`),
    promptsReached: count(source.promptsReached, `${at}.promptsReached`),
    tokensAffected: count(source.tokensAffected, `${at}.tokensAffected`),
    tokensReached: count(source.tokensReached, `${at}.tokensReached`),
    klMean: figure(source.klMean, `${at}.klMean`),
    klLast: figure(source.klLast, `${at}.klLast`),
    deltaLogProb: figure(source.deltaLogProb, `${at}.deltaLogProb`),
    deltaRank: figure(source.deltaRank, `${at}.deltaRank`)
  };
}

function readToken(value: unknown, at: string): SweepToken {
  const source = object(value, at);
  const optional = (key: 'text' | 'before'): Partial<SweepToken> =>
    source[key] === undefined
      ? {}
      : { [key]: text(source[key], `${at}.${key}`).slice(0, MAX_TEXT_LENGTH) };
  return {
    prompt: text(source.prompt, `${at}.prompt`).slice(0, MAX_TEXT_LENGTH),
    position: count(source.position, `${at}.position`),
    id: count(source.id, `${at}.id`),
    ...optional('text'),
    ...optional('before'),
    kl: figure(source.kl, `${at}.kl`) ?? 0
  };
}
