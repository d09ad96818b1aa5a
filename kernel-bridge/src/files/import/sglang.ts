/**
 * SGLang's `routed_experts`: base64 of int32 ids, row-major [tokens - 1, layers, topK], in `meta_info` of a /generate
 * response or `sglext` of an OpenAI-like one (python/sglang/srt/state_capturer/routed_experts.py,
 * `extract_routed_experts_from_meta_info`); newer versions state another type in `routed_experts_dtype`. A file holds
 * one response, a list of them, one per line, or the bare text. It does not contain the shape.
 */
import { basename } from 'node:path';
import {
  need,
  refuse,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { LineReader } from './line-reader';
import { routedParts } from './routed-ids';

const HINT =
  'give a response of SGLang with meta_info.routed_experts or sglext.routed_experts';
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;
/** Node's strings cannot be longer. */
const MAX_TEXT = 500 << 20;

const TYPES = {
  int32: { bytes: 4, read: (b: Buffer, at: number) => b.readInt32LE(at) },
  uint16: { bytes: 2, read: (b: Buffer, at: number) => b.readUInt16LE(at) },
  uint8: { bytes: 1, read: (b: Buffer, at: number) => b.readUInt8(at) }
} as const;

interface Payload {
  text: string;
  type: keyof typeof TYPES;
  /** Token ids from the first token with routing, if the response has them. */
  tokenIds: number[];
}

export const sglang: TraceImporter = {
  async *read(path, context) {
    const shape = {
      layers: need(context, 'layers', path),
      topK: need(context, 'topK', path)
    };
    const stem = basename(path).replace(/\.\w+$/, '');
    let found = 0;
    for await (const { text, place } of documents(path)) {
      for (const payload of payloads(text, path, place)) {
        const sample = found === 0 ? stem : `${stem}/${found}`;
        found++;
        yield* decode(payload, sample, shape, path, place, context);
      }
    }
    if (found === 0) {
      refuse('the file has no routed experts', path, '', HINT);
    }
  }
};

function* decode(
  { text, type, tokenIds }: Payload,
  sample: string,
  { layers, topK }: { layers: number; topK: number },
  path: string,
  place: string,
  context: ImportContext
): Generator<ImportedPart, void, undefined> {
  const bytes = Buffer.from(text, 'base64');
  const characters = text.replace(/[\s=]/g, '').length;
  const { bytes: width, read } = TYPES[type];
  if (
    !BASE64.test(text) ||
    bytes.length !== Math.floor((characters * 3) / 4) ||
    characters % 4 === 1
  ) {
    refuse('routed_experts is not base64', path, place, HINT);
  }
  if (bytes.length % (width * layers * topK) !== 0) {
    refuse(
      `routed_experts has ${bytes.length} bytes, not a multiple of ${width} x ${layers} layers x ${topK} experts per token`,
      path,
      place,
      'check --layers and --top-k, or that the response is complete'
    );
  }
  yield* routedParts(
    {
      sample,
      tokens: bytes.length / (width * layers * topK),
      layers,
      topK,
      tokenIds,
      read: (from, to) =>
        Array.from({ length: to - from }, (_, i) =>
          read(bytes, (from + i) * width)
        ),
      refuse: (what, index, hint) =>
        refuse(
          what,
          path,
          [place, `routed_experts${index}`].filter(Boolean).join(', '),
          hint
        )
    },
    context
  );
}

/** The file's JSON documents: one, or one per line. */
async function* documents(
  path: string
): AsyncGenerator<{ text: string; place: string }, void, undefined> {
  const reader = new LineReader(path);
  try {
    const lines: string[] = [];
    let size = 0;
    let start: number | undefined;
    for (;;) {
      const line = await reader.next();
      if (line === undefined) {
        break;
      }
      const text = line.toString('utf8').trim();
      // A first line that is a complete document means JSON Lines; otherwise the document spans several lines.
      if (start === undefined && text.startsWith('{') && text.endsWith('}')) {
        yield { text, place: `line ${reader.number}` };
      } else if (text !== '' || start !== undefined) {
        start ??= reader.number;
        size += text.length;
        if (size > MAX_TEXT) {
          refuse(
            `the document is longer than ${MAX_TEXT >> 20} MB`,
            path,
            `line ${reader.number}`,
            'write one response per line'
          );
        }
        lines.push(text);
      }
    }
    if (lines.length > 0) {
      yield { text: lines.join('\n'), place: `line ${start}` };
    }
  } finally {
    reader.close();
  }
}

function payloads(text: string, path: string, place: string): Payload[] {
  if (BASE64.test(text)) {
    return [{ text, type: 'int32', tokenIds: [] }];
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    refuse(
      `the text is neither JSON nor base64: ${(error as Error).message.slice(0, 80)}`,
      path,
      jsonPlace(error as Error, text, Number(/\d+/.exec(place) ?? 1)),
      HINT
    );
  }
  const responses = Array.isArray(value) ? value : [value];
  return responses.flatMap(response => payloadOf(response, path, place));
}

function payloadOf(response: unknown, path: string, place: string): Payload[] {
  const source = record(response);
  const meta = record(source.meta_info);
  const ext = record(source.sglext ?? source.sgl_ext);
  const holder = [meta, ext, source].find(
    ({ routed_experts: routed }) => routed !== undefined && routed !== null
  );
  if (!holder) {
    return [];
  }
  const type = String(holder.routed_experts_dtype ?? 'int32').toLowerCase();
  if (typeof holder.routed_experts !== 'string') {
    refuse('routed_experts is not text', path, place, HINT);
  }
  if (!Object.hasOwn(TYPES, type)) {
    refuse(
      `unsupported routed_experts_dtype ${type.slice(0, 20)}`,
      path,
      place,
      `SGLang writes ${Object.keys(TYPES).join(', ')}`
    );
  }
  const prompt = numbers(
    source.prompt_token_ids ?? meta.prompt_token_ids ?? ext.input_ids
  );
  const count = meta.prompt_tokens;
  const output = numbers(source.output_ids);
  const before =
    prompt.length > 0
      ? prompt
      : typeof count === 'number' && count >= 0 && count < 1 << 24
        ? Array.from({ length: count }, () => -1)
        : [];
  return [
    {
      text: holder.routed_experts,
      type: type as Payload['type'],
      tokenIds: before.length > 0 ? [...before, ...output] : []
    }
  ];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : {};
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) && value.every(Number.isInteger)
    ? (value as number[])
    : [];
}

/** Line and column from V8's "at position n"; without a position, the text is truncated. */
function jsonPlace(
  { message }: Error,
  text: string,
  firstLine: number
): string {
  const at = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
  const before = text.slice(0, at).split('\n');
  return `line ${firstLine + before.length - 1}, column ${before[before.length - 1].length + 1}`;
}
