/** Reads responses that a server answered: JSON, a list, JSON Lines, or the bare field, one or one per line. */
import { basename } from 'node:path';
import { decodeRouted, isBase64, isWholeField } from './decode-routed';
import type { EarlierRequests } from './earlier-requests';
import { type Sequence } from './earlier-requests';
import { refuse, type ImportContext, type ImportedPart } from './importer';
import {
  documentsIn,
  parseDocument,
  type JsonDocument
} from './json-documents';
import { routedArrays } from './routed-arrays';
import { routedParts, type RoutedIds } from './routed-ids';
import {
  bareRequest,
  servedRequests,
  type ServedRequest
} from './served-requests';

const HINT =
  'give responses with choices[].routed_experts, meta_info.routed_experts or sglext.routed_experts';

/** Reads a file; the last turn's routing continues the sample of the one before. */
export async function* readServed(
  path: string,
  earlier: EarlierRequests,
  context: ImportContext
): AsyncGenerator<ImportedPart, void, undefined> {
  const stem = basename(path).replace(/\.\w+(\.gz)?$/, '');
  let found = 0;
  /** The request whose routing ends the sample that is being written. */
  let open: { request: number; end: number; layers: string } | undefined;
  const without = new LeftOut('have an empty routed_experts');
  const silent = new LeftOut('have no routed_experts');
  for await (const document of documentsIn(path, (first, second) =>
    isDocument(first, second, path, context)
  )) {
    let requests = 0;
    for (const request of requestsIn(document, path)) {
      requests++;
      const ids = routedOf(request, document, path, context);
      if (!ids) {
        without.add(document);
        continue;
      }
      ids.sample = found === 0 ? stem : `${stem}/${found}`;
      found++;
      const start = ids.start ?? 0;
      const { tokens: before, request: number } = await earlier.add(
        sequenceOf(ids, request)
      );
      if (before > 0) {
        context.note(
          'requests that begin with a whole earlier one (further turns), and prompts of several choices, are counted once'
        );
      }
      ids.from = Math.max(0, before - start);
      const end = start + ids.tokens;
      let layers = '';
      let isFirst = true;
      for await (const part of routedParts(ids, context)) {
        layers = part.sample.layers.map(({ layer }) => layer).join();
        const follows =
          isFirst &&
          open !== undefined &&
          number === open.request &&
          start + ids.from === open.end &&
          layers === open.layers;
        isFirst = false;
        yield follows ? { ...part, continues: true } : part;
      }
      open = { request: earlier.last, end, layers };
    }
    if (requests === 0) {
      silent.add(document);
    }
  }
  if (found === 0) {
    refuse('the file has no routed experts', path, '', HINT);
  }
  without.tell(path, context);
  silent.tell(path, context);
}

/** Counts requests that are left out, and remembers the first. */
class LeftOut {
  private _count = 0;
  private _first = 0;

  constructor(private readonly _why: string) {}

  add({ line }: JsonDocument): void {
    this._first ||= line;
    this._count++;
  }

  tell(path: string, { note }: ImportContext): void {
    if (this._count > 0) {
      note(
        `${basename(path)}: ${this._count} requests ${this._why} and are left out, the first in line ${this._first}`
      );
    }
  }
}

/** Columns at which programs break base64: PEM and MIME. */
const WRAPPED = [64, 76];

/** Whether the first line is a response or a field, and not the beginning of one. */
function isDocument(
  { text, line }: JsonDocument,
  second: string,
  path: string,
  context: ImportContext
): boolean {
  if (!isBase64(text)) {
    return isJson(text);
  }
  if (!isWholeField(text, context.facts)) {
    return false;
  }
  // An .npy says itself that it is whole.
  if (
    WRAPPED.includes(text.length) &&
    !text.endsWith('=') &&
    second.length <= text.length &&
    !isWholeField(text, {})
  ) {
    refuse(
      `each line may be the ids of a request, or all lines those of one, broken at column ${text.length}`,
      path,
      `line ${line}`,
      'write one request a line as JSON, {"routed_experts": "..."}, or the text of one without line ends'
    );
  }
  return true;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function* requestsIn(
  document: JsonDocument,
  path: string
): Generator<ServedRequest, void, undefined> {
  const { text, line } = document;
  if (isBase64(text)) {
    const lines = text.split(/\s+/);
    const [{ length }] = lines;
    const isLast = (i: number): boolean => i + 1 === lines.length;
    if (
      lines.some(
        (own, i) => own.length > length || (own.length < length && !isLast(i))
      )
    ) {
      refuse(
        'the lines are not one base64 text, and the first is not all of one: its length does not fit the shape',
        path,
        `line ${line}`,
        'check --layers and --top-k, or that no line is cut off'
      );
    }
    yield bareRequest(text);
    return;
  }
  yield* servedRequests(parseDocument(document, path, HINT));
}

function routedOf(
  request: ServedRequest,
  { line }: JsonDocument,
  path: string,
  context: ImportContext
): RoutedIds | undefined {
  const { fields, dtype, promptIds, outputIds } = request;
  const place = `${path}, line ${line}`;
  const arrays = fields.flatMap(
    field => decodeRouted(field, dtype, place, HINT, context) ?? []
  );
  if (arrays.length === 0) {
    return undefined;
  }
  const known =
    promptIds.length > 0
      ? promptIds
      : Array.from({ length: request.promptTokens ?? 0 }, () => -1);
  const tokenIds = known.length > 0 ? [...known, ...outputIds] : [];
  const ids = routedArrays(arrays, '', context, tokenIds);
  // The last token was not run. Fewer rows than tokens before it: the request asked for a later part only.
  const output = outputIds.length > 0 ? outputIds.length : request.outputTokens;
  if (known.length > 0 && output !== undefined) {
    const tokens = known.length + output;
    if (ids.tokens > tokens) {
      refuse(
        `routed_experts has ${ids.tokens} tokens, but the response has ${tokens}`,
        place,
        '',
        'check --layers and --top-k, or config.json'
      );
    }
    ids.start = Math.max(0, tokens - 1 - ids.tokens);
    if (ids.start > 0) {
      context.note(
        `${ids.start} tokens at the start of a request have no routing: it was asked for later ones only`
      );
    }
  }
  return ids;
}

function sequenceOf(ids: RoutedIds, request: ServedRequest): Sequence {
  const { promptIds, outputIds, response, promptTokens } = request;
  const length = (ids.start ?? 0) + ids.tokens;
  const tokens = [...promptIds, ...outputIds];
  if (promptIds.length > 0 && tokens.length >= length) {
    return {
      kind: 'tokens',
      length,
      at: token => [tokens[token]],
      prompt: promptIds.length,
      response
    };
  }
  const width = ids.layers * ids.topK;
  return {
    kind: 'experts',
    length: ids.start ? 0 : ids.tokens,
    at: token => ids.read(token * width, (token + 1) * width),
    prompt: promptIds.length > 0 ? promptIds.length : promptTokens,
    response
  };
}
