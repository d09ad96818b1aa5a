/**
 * CSV of llama.cpp's moe-trace (examples/moe-trace of github.com/ggml-org/llama.cpp/pull/28544 and its forks), which
 * writes the `ffn_moe_topk` ids batch by batch, all tokens of a batch at a layer together (moe-trace-batches.ts, whole-rankings.ts):
 * - `layer,expert`: one row per expert (the pull request), k per token;
 * - `phase,token,layer,rank,expert`: the same with token and rank (its forks); further columns by name: weight;
 * - `pos,layer,id0,id1,...` without a header: one row per token (tools/moe-trace of thecodacus/llama.cpp); positions of the prompt are negative.
 * Spreadsheets and other programs rewrite such files: with blanks around fields, quotes, semicolons or tabs.
 * Tokens are numbered in the order of the file. A header, or a prompt after a continuation, begins a sample.
 */
import { basename } from 'node:path';
import {
  filesIn,
  MAX_LAYERS,
  need,
  refuse,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { MAX_EXPERTS } from '../trace/cards';
import { LineReader } from '../line-reader';
import { MoeTraceBatches, type ExpertRow } from './moe-trace-batches';
import { floatAt, integerAt } from './text-numbers';
import { WholeRankings } from './whole-rankings';

const HASH = 0x23;
const QUOTE = 0x22;
const BLANK = 0x20;
const TAB = 0x09;
/** In the order of preference. */
const SEPARATORS = [',', ';', '\t'].map(text => text.charCodeAt(0));
const ID_COLUMN = /^(id|e|expert_?)\d+$/;
const HINT =
  'rows are layer,expert or phase,token,layer,rank,expert or pos,layer,id0,id1,...';

/** Column indices by meaning; -1 if absent. */
interface Columns {
  layer: number;
  token: number;
  rank: number;
  expert: number;
  weight: number;
  phase: number;
  count: number;
  /** One row per token: ids from `expert` to `last`. */
  wide: boolean;
  last: number;
  separator: number;
}

export const llamacpp: TraceImporter = {
  async *read(path, context) {
    for (const file of filesIn(path, /\.[ct]sv(\.gz)?$/i, '.csv')) {
      const reader = new LineReader(file);
      const rankings = new WholeRankings();
      try {
        yield* readRows(reader, context, rankings);
        rankings.check(file, context.facts.experts);
      } finally {
        reader.close();
      }
    }
  }
};

async function* readRows(
  reader: LineReader,
  context: ImportContext,
  rankings: WholeRankings
): AsyncGenerator<ImportedPart, void, undefined> {
  const { path } = reader;
  const stem = basename(path).replace(/\.\w+(\.gz)?$/, '');
  const numbers: number[] = [];
  let columns: Columns | undefined;
  let batches: MoeTraceBatches | undefined;
  let samples = 0;
  let continuation = false;
  const begin = (): MoeTraceBatches => {
    continuation = false;
    return new MoeTraceBatches(
      samples++ === 0 ? stem : `${stem}/${samples - 1}`,
      reader,
      context,
      rankings,
      columns!.token < 0 ? need(context, 'topK', path) : context.facts.topK
    );
  };
  for (;;) {
    const line = await reader.next();
    if (line === undefined) {
      break;
    }
    const [from, to] = trimmed(line, 0, line.length);
    if (from === to || line[from] === HASH) {
      continue;
    }
    const header = headerOf(line, reader);
    if (header || !columns) {
      yield* batches?.end() ?? [];
      columns = header ?? withoutHeader(line, reader);
      batches = begin();
      if (header) {
        continue;
      }
    }
    const row = parseRow(line, columns, numbers, reader);
    if (row.prompt && continuation) {
      yield* batches!.end();
      batches = begin();
    }
    continuation ||= row.prompt === false;
    yield* batches!.add(row);
  }
  yield* batches?.end() ?? [];
}

/** A field without blanks around it and without its quotes. */
function trimmed(line: Buffer, from: number, to: number): [number, number] {
  const isBlank = (at: number): boolean =>
    line[at] === BLANK || line[at] === TAB;
  while (from < to && isBlank(from)) {
    from++;
  }
  while (to > from && isBlank(to - 1)) {
    to--;
  }
  return to - from >= 2 && line[from] === QUOTE && line[to - 1] === QUOTE
    ? trimmed(line, from + 1, to - 1)
    : [from, to];
}

function separatorOf(line: Buffer): number {
  return SEPARATORS.find(byte => line.includes(byte)) ?? SEPARATORS[0];
}

function headerOf(line: Buffer, reader: LineReader): Columns | undefined {
  const [start] = trimmed(line, 0, line.length);
  const first = line[start] === QUOTE ? line[start + 1] : line[start];
  const digit = first === 0x2d || (first >= 0x30 && first <= 0x39);
  // A data row such as "decode,12,..." begins with a word too.
  if (digit || !['layer', 'Layer', 'LAYER'].some(word => line.includes(word))) {
    return undefined;
  }
  const separator = separatorOf(line);
  const names = line
    .toString('utf8')
    .split(String.fromCharCode(separator))
    .map(name => name.replace(/^[\s"]+|[\s"]+$/g, '').toLowerCase());
  const find = (...any: string[]): number =>
    names.findIndex(name => any.includes(name));
  const expert = find('expert', 'expert_id', 'id');
  const wide = expert < 0;
  const ids = wide ? find('id0', 'e0', 'expert0', 'expert_0') : expert;
  if (find('layer') < 0 || ids < 0) {
    refuse(
      'the header has no layer or no expert column',
      reader.path,
      `line ${reader.number}`,
      HINT
    );
  }
  let last = ids;
  while (wide && ID_COLUMN.test(names[last + 1] ?? '')) {
    last++;
  }
  return {
    last,
    layer: find('layer'),
    token: find('token', 'pos', 'position', 'step'),
    rank: wide ? -1 : find('rank'),
    expert: ids,
    weight: find('weight', 'prob'),
    phase: find('phase'),
    count: names.length,
    wide,
    separator
  };
}

function withoutHeader(line: Buffer, reader: LineReader): Columns {
  const separator = separatorOf(line);
  let count = 1;
  for (const byte of line) {
    count += byte === separator ? 1 : 0;
  }
  if (count < 2) {
    refuse(
      'the line is not a data row',
      reader.path,
      `line ${reader.number}`,
      HINT
    );
  }
  return count === 2
    ? {
        layer: 0,
        expert: 1,
        token: -1,
        rank: -1,
        weight: -1,
        phase: -1,
        count,
        wide: false,
        last: 1,
        separator
      }
    : {
        token: 0,
        rank: -1,
        layer: 1,
        expert: 2,
        weight: -1,
        phase: -1,
        count,
        wide: true,
        last: count - 1,
        separator
      };
}

/** @param ids buffer for the numbers of the row; the result is valid until the next row */
function parseRow(
  line: Buffer,
  columns: Columns,
  ids: number[],
  reader: LineReader
): ExpertRow {
  const row: ExpertRow = { layer: -1, token: undefined, ids, weight: NaN };
  ids.length = 0;
  let column = 0;
  for (let start = 0; start <= line.length; column++) {
    const next = line.indexOf(columns.separator, start);
    const end = next < 0 ? line.length : next;
    const [from, to] = trimmed(line, start, end);
    if (column === columns.phase) {
      row.prompt = line.toString('latin1', from, to).toLowerCase() !== 'decode';
    } else if (column === columns.weight) {
      row.weight = floatAt(line, from, to) ?? fail('weight', from, to);
    } else if (column === columns.layer) {
      row.layer = integerAt(line, from, to);
      if (!(row.layer >= 0 && row.layer < MAX_LAYERS)) {
        fail('layer', from, to);
      }
    } else if (column === columns.rank) {
      row.rank = integerAt(line, from, to);
      if (!(row.rank >= 0)) {
        fail('rank', from, to);
      }
    } else if (column === columns.token) {
      row.token = integerAt(line, from, to);
      if (Number.isNaN(row.token)) {
        fail('token', from, to);
      }
      if (columns.wide && columns.phase < 0) {
        row.prompt = row.token < 0;
      }
    } else if (
      column === columns.expert ||
      (columns.wide && column > columns.expert && column <= columns.last)
    ) {
      const id = integerAt(line, from, to);
      // Before it is stored in 32 bits, where 2^32 + 1 would be 1.
      if (!(id >= -1 && id < MAX_EXPERTS)) {
        fail('expert id', from, to);
      }
      ids.push(id);
    }
    start = end + 1;
  }
  if (column !== columns.count) {
    refuse(
      `the row has ${column} fields, but earlier rows have ${columns.count}`,
      reader.path,
      `line ${reader.number}, column ${line.length + 1}`,
      'the file may be truncated: trace again'
    );
  }
  return row;

  function fail(what: string, from: number, to: number): never {
    return refuse(
      `${JSON.stringify(line.toString('latin1', from, Math.min(to, from + 20)))} is not a valid ${what}`,
      reader.path,
      `line ${reader.number}, column ${from + 1}`,
      HINT
    );
  }
}
