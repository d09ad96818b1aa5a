/** Metadata of a trace's Parquet file, as JSON under the key `moe-debugger`. */
import type { EditRecord } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import type { LayerCard } from '../../run/model/description';
import type { Coverage } from '../../base/protocol';
import { ProtocolError } from '../../base/protocol/error';
import {
  count,
  figure,
  list,
  object,
  oneOf,
  text
} from '../../base/protocol/checks';
import { createHash } from 'node:crypto';
import { decodeCards } from './cards';
import type { ContentHash } from './content-hash';

export const METADATA_KEY = 'moe-debugger';
/** Increased when an older reader would misread the file; columns and fields may be added without an increase. */
export const PARQUET_SCHEMA = 'moe-debugger/parquet@1';

/** Origin of imported rows. */
export interface TraceSource {
  /** Import format: 'esft', 'vllm', ... */
  format: string;
  /** What was detected or assumed, as text. */
  notes: string[];
}

export interface TraceMetadata {
  /** The model's name. */
  model: string;
  layers: LayerCard[];
  run?: string;
  /** ISO 8601. */
  created?: string;
  source?: TraceSource;
  edits?: EditRecord[];
  coverage?: Coverage & { samples: number };
  /** The rows were read from a file without a hash: this file's own shows damage since then only. */
  unverified?: true;
  /** Absent in files of earlier versions and of other programs, which open as unverified. */
  content?: ContentHash;
}

/** @param hash is given the JSON without `content`, which comes last */
export function encodeMetadata(
  metadata: Omit<TraceMetadata, 'content'>,
  hash: (json: string) => ContentHash
): string {
  const rest = { schema: PARQUET_SCHEMA, ...metadata };
  return JSON.stringify({ ...rest, content: hash(JSON.stringify(rest)) });
}

/** @throws MoEDebuggerError 'input' naming the invalid field */
export function decodeMetadata(json: string, where: string): TraceMetadata {
  try {
    return decode(object(parse(json), 'metadata'));
  } catch (error) {
    throw new MoEDebuggerError(
      'input',
      `the file's metadata is invalid: ${(error as Error).message}`,
      {
        where,
        hint: 'write the trace again with this version',
        cause: error
      }
    );
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new ProtocolError('it is not JSON');
  }
}

function decode(source: Record<string, unknown>): TraceMetadata {
  if (source.schema !== PARQUET_SCHEMA) {
    throw new ProtocolError(
      `its schema is ${JSON.stringify(source.schema)?.slice(0, 60)}, but this version reads ${PARQUET_SCHEMA}`
    );
  }
  const metadata: TraceMetadata = {
    model: text(source.model, 'model'),
    layers: decodeCards(source.layers, 'layers')
  };
  for (const key of ['run', 'created'] as const) {
    if (source[key] !== undefined) {
      metadata[key] = text(source[key], key);
    }
  }
  if (source.unverified !== undefined) {
    if (source.unverified !== true) {
      throw new ProtocolError('unverified is not true');
    }
    metadata.unverified = true;
  }
  if (source.content !== undefined) {
    metadata.content = decodeContent(source);
  }
  if (source.source !== undefined) {
    const { format, notes } = object(source.source, 'source');
    metadata.source = {
      format: text(format, 'source.format'),
      notes: list(notes, 'source.notes').map(note => text(note, 'source.notes'))
    };
  }
  if (source.edits !== undefined) {
    metadata.edits = list(source.edits, 'edits').map((edit, i) =>
      decodeEdit(edit, `edits[${i}]`)
    );
  }
  return metadata;
}

function decodeContent(source: Record<string, unknown>): ContentHash {
  const { content, ...rest } = source;
  const { rowGroups, metadata } = object(content, 'content');
  const sha256 = (value: unknown, at: string): string => {
    const hash = text(value, at);
    if (!/^[0-9a-f]{64}$/.test(hash)) {
      throw new ProtocolError(`${at} is not a SHA-256`);
    }
    return hash;
  };
  if (
    metadata !== undefined &&
    sha256(metadata, 'content.metadata') !==
      createHash('sha256').update(JSON.stringify(rest)).digest('hex')
  ) {
    throw new ProtocolError('it is not what was written: its hash differs');
  }
  return {
    rowGroups: list(rowGroups, 'content.rowGroups').map((group, i) => {
      const at = `content.rowGroups[${i}]`;
      const { rows, sha256: hash } = object(group, at);
      return {
        rows: count(rows, `${at}.rows`),
        sha256: sha256(hash, `${at}.sha256`)
      };
    })
  };
}

/** Preserves unknown fields of edits from later versions. */
function decodeEdit(value: unknown, at: string): EditRecord {
  const source = object(value, at);
  const edit: EditRecord = {
    ...source,
    kind: text(source.kind, `${at}.kind`) as EditRecord['kind'],
    layer: count(source.layer, `${at}.layer`)
  };
  for (const key of ['expert', 'to', 'k'] as const) {
    if (source[key] !== undefined) {
      count(source[key], `${at}.${key}`);
    }
  }
  for (const key of ['value', 'norm', 'scale'] as const) {
    if (source[key] !== undefined) {
      figure(source[key], `${at}.${key}`);
    }
  }
  if (source.stack !== undefined) {
    oneOf(source.stack, ['encoder', 'decoder'], `${at}.stack`);
  }
  if (source.module !== undefined) {
    text(source.module, `${at}.module`);
  }
  if (source.tokens !== undefined) {
    list(source.tokens, `${at}.tokens`).forEach((end, i) =>
      count(end, `${at}.tokens[${i}]`)
    );
  }
  return edit;
}
