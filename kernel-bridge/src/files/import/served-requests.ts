/**
 * Finds what a server recorded of each request in the JSON that it answers. Servers, their versions, proxies and batch
 * files nest it differently, so the whole document is searched:
 * - vLLM: `choices[i].routed_experts` (entrypoints/openai/completion/protocol.py); some versions have the prompt's part
 *   in `prompt_routed_experts` of the response;
 * - SGLang: `meta_info.routed_experts` of /generate; `sglext.routed_experts` of the OpenAI-like paths, beside `choices` or
 *   inside them (entrypoints/openai/protocol.py).
 */

/** Field that holds ids of experts, in any of the forms of `decodeRouted`. */
export type RoutedField = unknown;

export interface ServedRequest {
  /** The prompt's part, if it is separate, then the rest. */
  fields: RoutedField[];
  /** Type of the elements, if the response has it. */
  dtype?: string;
  promptIds: number[];
  outputIds: number[];
  /** Lengths in tokens, if the response has them without the ids. */
  promptTokens?: number;
  outputTokens?: number;
  /** The response that it is a choice of. */
  response: object;
}

type Context = Omit<ServedRequest, 'fields'> & {
  promptField?: RoutedField;
  field?: RoutedField;
};
type Json = Record<string, unknown>;

/** Objects that say something about the response that they lie in. */
const ABOUT = ['meta_info', 'sglext', 'sgl_ext', 'nvext'] as const;
const PROMPT_IDS = ['prompt_token_ids', 'input_token_ids', 'input_ids'];
const OUTPUT_IDS = [
  'token_ids',
  'output_ids',
  'output_token_ids',
  'completion_token_ids',
  'generation_token_ids'
];
/** Deeper than any server nests. */
const MAX_DEPTH = 12;

export function* servedRequests(
  value: unknown
): Generator<ServedRequest, void, undefined> {
  for (const response of responsesIn(value)) {
    if (isObject(response)) {
      yield* requestsIn(
        response,
        { promptIds: [], outputIds: [], response },
        0
      );
    } else if (typeof response === 'string' || isRouting(response)) {
      yield bareRequest(response);
    }
  }
}

/** The field alone, as programs write that keep nothing else of a response. */
export function bareRequest(field: string | readonly unknown[]): ServedRequest {
  return { fields: [field], promptIds: [], outputIds: [], response: {} };
}

function responsesIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) && !isRouting(value)
    ? (value as unknown[])
    : [value];
}

/** Nested lists [tokens][layers][topK]. */
function isRouting(value: unknown): value is readonly unknown[] {
  let inner: unknown = value;
  for (let depth = 0; depth < 3; depth++) {
    if (!Array.isArray(inner)) {
      return false;
    }
    inner = (inner as unknown[])[0];
  }
  return typeof inner === 'number';
}

function* requestsIn(
  source: Json,
  outer: Context,
  depth: number
): Generator<ServedRequest, boolean, undefined> {
  const about = ABOUT.map(name => source[name]).filter(isObject);
  const own = [source, ...about, ...[source.usage].filter(isObject)];
  const context: Context = {
    ...outer,
    ...idsOf(own, outer),
    ...countsOf(own, source, outer),
    dtype: first(own, 'routed_experts_dtype', isText) ?? outer.dtype,
    promptField: field(own, 'prompt_routed_experts') ?? outer.promptField
  };
  const found = field([...about, source], 'routed_experts');
  // A proxy may repeat on the response what its choice has.
  const isNew = found !== undefined && found !== outer.field;
  context.field = found ?? outer.field;
  let any = isNew;
  if (isNew) {
    yield request(context, found);
  }
  for (const [name, child] of Object.entries(source)) {
    if (depth < MAX_DEPTH && !(ABOUT as readonly string[]).includes(name)) {
      for (const inner of Array.isArray(child)
        ? (child as unknown[])
        : [child]) {
        if (!isObject(inner)) {
          // Arrays of numbers are long, and hold no objects.
          break;
        }
        any = (yield* requestsIn(inner, context, depth + 1)) || any;
      }
    }
  }
  if (!any && field(own, 'prompt_routed_experts') !== undefined) {
    yield request(context, undefined);
    any = true;
  }
  return any;
}

function request(
  { promptField, field: _, ...context }: Context,
  found: RoutedField
): ServedRequest {
  return {
    ...context,
    fields: [promptField, found].filter(part => part !== undefined)
  };
}

function idsOf(
  own: readonly Json[],
  outer: Context
): Pick<Context, 'promptIds' | 'outputIds'> {
  const find = (names: readonly string[]): number[] | undefined =>
    names
      .flatMap(name => own.map(source => source[name]))
      .find((ids): ids is number[] => isIds(ids) && ids.length > 0);
  return {
    promptIds: find(PROMPT_IDS) ?? outer.promptIds,
    outputIds: find(OUTPUT_IDS) ?? outer.outputIds
  };
}

function countsOf(
  own: readonly Json[],
  source: Json,
  outer: Context
): Pick<Context, 'promptTokens' | 'outputTokens'> {
  // The usage of several choices is their sum.
  const several = Array.isArray(source.choices) && source.choices.length > 1;
  const promptTokens =
    first(own, 'prompt_tokens', isCount) ?? outer.promptTokens;
  const outputTokens = several
    ? undefined
    : (first(own, 'completion_tokens', isCount) ?? outer.outputTokens);
  return {
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens })
  };
}

function field(own: readonly Json[], name: string): RoutedField {
  return own
    .map(source => source[name])
    .find(value => value !== undefined && value !== null);
}

function first<T>(
  own: readonly Json[],
  name: string,
  is: (value: unknown) => value is T
): T | undefined {
  return own.map(source => source[name]).find(is);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return (
    Number.isInteger(value) &&
    (value as number) >= 0 &&
    (value as number) < 1 << 24
  );
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isInteger);
}
