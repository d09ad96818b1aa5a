/**
 * Decodes a server's field of expert ids to an array [tokens, layers, topK]. Forms:
 * - base64 of an .npy (vLLM), which has its shape;
 * - base64 of the bare elements (SGLang), int32 unless the response says otherwise: layers and top-k must be given;
 * - `{data, shape, dtype?}` with base64 in `data`, and nested lists, as some gateways write.
 */
import { MoEDebuggerError } from '../../base/errors';
import { ArrayFile, ELEMENTS, type ElementName } from './array-file';
import { need, refuse, type ImportContext, type ModelFacts } from './importer';
import { NPY_MAGIC, openNpy } from './npy';

const NAME = 'routed_experts';
const DTYPES: Record<string, ElementName> = {
  uint8: 'u1',
  int8: 'i1',
  uint16: 'u2',
  int16: 'i2',
  uint32: 'u4',
  int32: 'i4',
  uint64: 'u8',
  int64: 'i8'
};
const BY_WIDTH: Record<number, ElementName> = {
  1: 'u1',
  2: 'i2',
  4: 'i4',
  8: 'i8'
};
/** SGLang's type where the response does not say it. */
const BARE = 'i4' satisfies ElementName;
/** No response is longer; a shape must not make us allocate. */
const MAX_ELEMENTS = 1 << 28;

/**
 * @param file the user's file and the place in it, for messages
 * @returns undefined for a field that is empty: nothing was run, or recorded
 */
export function decodeRouted(
  field: unknown,
  dtype: string | undefined,
  file: string,
  hint: string,
  context: ImportContext
): ArrayFile | undefined {
  const array = decode(field, dtype, file, hint, context);
  return array && array.size > 0 ? array : undefined;
}

function decode(
  field: unknown,
  dtype: string | undefined,
  file: string,
  hint: string,
  context: ImportContext
): ArrayFile | undefined {
  const fail = (what: string, how: string = hint): never =>
    refuse(what, file, '', how);
  if (Array.isArray(field)) {
    return ofLists(field as unknown[], file, fail);
  }
  const wrapped = (
    typeof field === 'object' && field !== null ? field : {}
  ) as Record<string, unknown>;
  const text = typeof field === 'string' ? field : wrapped.data;
  if (typeof text !== 'string') {
    return fail(`${NAME} is not text`);
  }
  if (text.trim() === '') {
    return undefined;
  }
  const bytes = fromBase64(text) ?? fail(`${NAME} is not base64`);
  if (isNpy(bytes)) {
    const range = { offset: 0, length: bytes.length };
    return (
      openNpy(file, NAME, bytes, range) ?? fail(`${NAME} holds no numbers`)
    );
  }
  const name = String(wrapped.dtype ?? dtype ?? '').toLowerCase();
  if (name !== '' && !Object.hasOwn(DTYPES, name)) {
    fail(
      `unsupported routed_experts_dtype ${name.slice(0, 20)}`,
      `servers write ${Object.keys(DTYPES).join(', ')}`
    );
  }
  if (wrapped.shape !== undefined) {
    const shape =
      shapeOf(wrapped.shape) ?? fail(`the shape of ${NAME} is invalid`);
    const size = shape.reduce((a, b) => a * b, 1);
    const type = DTYPES[name] ?? BY_WIDTH[bytes.length / size] ?? BARE;
    if (bytes.length !== size * ELEMENTS[type].bytes) {
      fail(
        `${NAME} has ${bytes.length} bytes, but its shape [${shape.join(', ')}] of ${ELEMENTS[type].bytes}-byte numbers needs ${size * ELEMENTS[type].bytes}`,
        'check the dtype and the shape, or that the response is complete'
      );
    }
    return arrayOf(bytes, shape, type, file);
  }
  const layers = need(context, 'layers', file);
  const topK = need(context, 'topK', file);
  const type = DTYPES[name] ?? BARE;
  const width = ELEMENTS[type].bytes;
  if (bytes.length % (width * layers * topK) !== 0) {
    fail(
      `${NAME} has ${bytes.length} bytes, not a multiple of ${width} x ${layers} layers x ${topK} experts per token`,
      'check --layers and --top-k, or that the response is complete'
    );
  }
  const tokens = bytes.length / (width * layers * topK);
  return arrayOf(bytes, [tokens, layers, topK], type, file);
}

function arrayOf(
  bytes: Buffer,
  shape: number[],
  type: ElementName,
  file: string
): ArrayFile {
  return new ArrayFile({
    file,
    name: NAME,
    source: bytes,
    offset: 0,
    available: bytes.length,
    shape,
    type
  });
}

/** With either alphabet, with or without padding, and with line ends in between (RFC 4648, RFC 2045). */
export function isBase64(text: string): boolean {
  const digits = text.trimEnd().replace(/={1,2}$/, '');
  return (
    digits !== '' &&
    (!/[^A-Za-z0-9+/\s]/.test(digits) || !/[^A-Za-z0-9_\s-]/.test(digits))
  );
}

/** Whether a bare text is all of a field: an .npy, or the elements of whole tokens. */
export function isWholeField(
  text: string,
  { layers, topK }: Pick<ModelFacts, 'layers' | 'topK'>
): boolean {
  const bytes = fromBase64(text);
  if (!bytes || !isNpy(bytes)) {
    return (
      bytes !== undefined &&
      layers !== undefined &&
      topK !== undefined &&
      bytes.length % (ELEMENTS[BARE].bytes * layers * topK) === 0
    );
  }
  try {
    openNpy(NAME, NAME, bytes, { offset: 0, length: bytes.length });
    return true;
  } catch (error) {
    if (error instanceof MoEDebuggerError) {
      return false;
    }
    throw error;
  }
}

const isNpy = (bytes: Buffer): boolean =>
  bytes.toString('latin1', 0, NPY_MAGIC.length) === NPY_MAGIC;

function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const characters = text.replace(/[\s=]/g, '').length;
  return isBase64(text) &&
    bytes.length === Math.floor((characters * 3) / 4) &&
    characters % 4 !== 1
    ? bytes
    : undefined;
}

function shapeOf(value: unknown): number[] | undefined {
  return Array.isArray(value) &&
    value.length <= 8 &&
    value.every(n => Number.isInteger(n) && n >= 0) &&
    (value as number[]).reduce((a, b) => a * b, 1) <= MAX_ELEMENTS
    ? (value as number[])
    : undefined;
}

/** Nested lists [tokens][layers][topK]. */
function ofLists(
  tokens: readonly unknown[],
  file: string,
  fail: (what: string) => never
): ArrayFile {
  const lists = (value: unknown): unknown[] =>
    Array.isArray(value)
      ? (value as unknown[])
      : fail(`${NAME} is not a list of tokens of layers of ids`);
  const layers = tokens.length === 0 ? 0 : lists(tokens[0]).length;
  const topK = layers === 0 ? 0 : lists(lists(tokens[0])[0]).length;
  const ids = new Float64Array(tokens.length * layers * topK);
  let at = 0;
  for (const token of tokens) {
    const rows = lists(token);
    for (const row of rows) {
      const own = lists(row);
      if (rows.length !== layers || own.length !== topK) {
        fail(`${NAME} has lists of different lengths`);
      }
      for (const id of own) {
        ids[at++] = typeof id === 'number' ? id : NaN;
      }
    }
    if (rows.length !== layers) {
      fail(`${NAME} has lists of different lengths`);
    }
  }
  return arrayOf(
    Buffer.from(ids.buffer),
    [tokens.length, layers, topK],
    'f8',
    file
  );
}
