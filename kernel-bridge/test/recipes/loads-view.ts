import {
  count,
  flag,
  list,
  object,
  oneOf
} from '../../src/base/protocol/checks';
import {
  readPrompt,
  readRefusal,
  type Refusal
} from '../../src/base/protocol/generated';
import {
  decodePlace,
  layerName,
  type RouterIdentity
} from '../../src/base/protocol/routing';
import type { ToolState } from '../../src/base/protocol/tools';

/** The tokens of a prompt that each expert of a layer takes. */
export interface LayerLoads extends Pick<RouterIdentity, 'layer' | 'stack'> {
  tokens: number[];
}

export interface LoadsState extends ToolState {
  prompt: string;
  /** Null before a prompt is traced. */
  loads: LayerLoads[] | null;
  refusal: Refusal | null;
}

export type LoadsAction = { do: 'trace'; prompt: string } | { do: 'cancel' };

const MAX_LAYERS = 4096;
const MAX_EXPERTS = 4096;

/** @throws ProtocolError */
export function readLoadsAction(value: unknown): LoadsAction {
  const source = object(value, 'the action');
  const name = oneOf(source.do, ['trace', 'cancel'], 'the action');
  return name === 'trace'
    ? { do: name, prompt: readPrompt(source.prompt) }
    : { do: name };
}

/** @throws ProtocolError */
export function readLoadsState(value: unknown): LoadsState {
  const source = object(value, 'state');
  return {
    running: flag(source.running, 'running'),
    prompt: readPrompt(source.prompt),
    loads:
      source.loads === null
        ? null
        : list(source.loads, 'loads', MAX_LAYERS).map((entry, i) => {
            const at = `loads[${i}]`;
            const layer = object(entry, at);
            return {
              ...decodePlace(layer, at),
              tokens: list(layer.tokens, `${at}.tokens`, MAX_EXPERTS).map(
                (tokens, e) => count(tokens, `${at}.tokens[${e}]`)
              )
            };
          }),
    refusal: readRefusal(source.refusal, 0)
  };
}

/** As text, for places that show nothing else. */
export function describeLoads(model: string, { loads }: LoadsState): string {
  return [
    `ExpertLoads of ${model}`,
    ...(loads ?? []).map(own => `${layerName(own)}: ${own.tokens.join(' ')}`)
  ].join('\n');
}
