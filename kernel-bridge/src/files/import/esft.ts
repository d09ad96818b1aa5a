/**
 * ESFT's expert weights: one file per layer, `expert_weights_<layer>.txt`, one line per sequence: the ids of the selected
 * experts separated by tabs, two tabs, and their weights separated by tabs, `topK` of each per token. Written by
 * DeepSeek-V2's gate (`deepseek/modeling_deepseek.py`, ids unsorted) and read by `parse_line` of
 * `scripts/expert/get_expert_scores.py` in github.com/deepseek-ai/ESFT, which hard-codes 64 experts and top-6.
 * `rank_<n>` folders, one per process, hold further sequences.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { RoutingLayer } from '../../base/protocol';
import {
  bareTokens,
  refuse,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { LineReader } from '../line-reader';
import { floatAt, integerAt } from './text-numbers';

const NAME = /^expert_weights_(\d+)\.txt(\.gz)?$/;
const RANK = /^rank_?\d+$/;
const TAB = 0x09;
const OWN = { experts: 64, topK: 6 };

interface LayerFile {
  layer: number;
  reader: LineReader;
}

export const esft: TraceImporter = {
  async *read(path, context) {
    const { facts } = context;
    if (facts.experts === undefined || facts.topK === undefined) {
      facts.experts ??= OWN.experts;
      facts.topK ??= OWN.topK;
      context.note(
        `assumed: ${facts.topK} of ${facts.experts} experts, as in ESFT's scripts; --experts and --top-k change it`
      );
    }
    const beside = otherLayers(path);
    if (beside > 0) {
      context.note(
        `only this file's layer was read: the folder has files of ${beside} further layers`
      );
    }
    for (const { folder, files } of filesIn(path)) {
      yield* readTogether(files, folder, facts.topK, context);
    }
  }
};

/** Reads all layers' files in parallel, line by line. */
async function* readTogether(
  files: { layer: number; path: string }[],
  folder: string,
  topK: number,
  { facts }: ImportContext
): AsyncGenerator<ImportedPart, void, undefined> {
  const layers: LayerFile[] = [];
  try {
    for (const { layer, path } of files) {
      layers.push({ layer, reader: new LineReader(path) });
    }
    for (let sequence = 0; ; sequence++) {
      const lines = await Promise.all(
        layers.map(({ reader }) => reader.next())
      );
      const ended = lines.findIndex(line => line === undefined);
      if (ended >= 0) {
        const goesOn = lines.findIndex(line => line !== undefined);
        if (goesOn >= 0) {
          refuse(
            `the file ends, but ${basename(layers[goesOn].reader.path)} has another sequence`,
            layers[ended].reader.path,
            `line ${sequence + 1}`,
            'it may be truncated: download it again'
          );
        }
        return;
      }
      const sampleLayers = layers.map(({ layer, reader }, i) =>
        parseLine(lines[i]!, layer, topK, facts.experts!, reader)
      );
      const tokens = sampleLayers[0].selected.length / topK;
      const other = sampleLayers.findIndex(
        ({ selected }) => selected.length !== tokens * topK
      );
      if (other >= 0) {
        refuse(
          `the line has ${sampleLayers[other].selected.length / topK} tokens, but ${basename(layers[0].reader.path)} has ${tokens}`,
          layers[other].reader.path,
          `line ${sequence + 1}`,
          'the files are from different runs, or truncated: download them again'
        );
      }
      if (tokens > 0) {
        yield {
          continues: false,
          sample: {
            id: folder + sequence,
            tokens: bareTokens(0, tokens),
            layers: sampleLayers
          }
        };
      }
    }
  } finally {
    layers.forEach(({ reader }) => reader.close());
  }
}

function parseLine(
  line: Buffer,
  layer: number,
  topK: number,
  experts: number,
  reader: LineReader
): RoutingLayer {
  const fail = (what: string, at: number): never =>
    refuse(
      what,
      reader.path,
      `line ${reader.number}, column ${at + 1}`,
      'a line is the ids, two tabs and the weights, separated by tabs'
    );
  const identity = {
    layer,
    experts,
    topK,
    score: 'softmax' as const,
    logitsAre: 'logits' as const,
    logits: new Float32Array()
  };
  if (line.length === 0) {
    return {
      ...identity,
      selected: new Int32Array(),
      weights: new Float32Array()
    };
  }
  const middle = line.indexOf('\t\t');
  if (middle < 0) {
    fail('the line has no weights after its ids', line.length);
  }
  const count = fields(line, 0, middle);
  if (count % topK !== 0) {
    fail(`${count} ids are not a multiple of ${topK} per token`, middle);
  }
  const weightCount = fields(line, middle + 2, line.length);
  if (weightCount !== count) {
    fail(`the line has ${count} ids and ${weightCount} weights`, line.length);
  }
  const selected = new Int32Array(count);
  const weights = new Float32Array(count);
  let at = 0;
  for (let slot = 0; slot < count; slot++) {
    const end = endOfField(line, at, middle);
    const id = integerAt(line, at, end);
    if (!(id >= 0 && id < experts)) {
      fail(
        Number.isNaN(id)
          ? `${JSON.stringify(line.toString('latin1', at, Math.min(end, at + 20)))} is not an expert id`
          : `invalid expert ${id}: there are ${experts} experts`,
        at
      );
    }
    const first = slot - (slot % topK);
    for (let before = first; before < slot; before++) {
      if (selected[before] === id) {
        fail(`the token has expert ${id} twice`, at);
      }
    }
    selected[slot] = id;
    at = end + 1;
  }
  at = middle + 2;
  for (let slot = 0; slot < count; slot++) {
    const end = endOfField(line, at, line.length);
    const weight = floatAt(line, at, end);
    if (weight === undefined) {
      fail(
        `${JSON.stringify(line.toString('latin1', at, Math.min(end, at + 20)))} is not a weight`,
        at
      );
    }
    weights[slot] = weight!;
    at = end + 1;
  }
  return { ...identity, selected, weights };
}

function endOfField(line: Buffer, from: number, to: number): number {
  let end = from;
  while (end < to && line[end] !== TAB) {
    end++;
  }
  return end;
}

function fields(line: Buffer, from: number, to: number): number {
  let count = 1;
  for (let i = from; i < to; i++) {
    if (line[i] === TAB) {
      count++;
    }
  }
  return count;
}

/** Files of each process's folder, by layer. */
function filesIn(
  path: string
): { folder: string; files: { layer: number; path: string }[] }[] {
  if (!statSync(path).isDirectory()) {
    return [
      {
        folder: '',
        files: [{ layer: Number(NAME.exec(basename(path))?.[1] ?? 0), path }]
      }
    ];
  }
  const names = readdirSync(path).sort();
  const own = layerFiles(path, names);
  const ranks = names
    .filter(name => RANK.test(name))
    .sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)))
    .map(name => ({
      folder: `${name}/`,
      files: layerFiles(join(path, name), readdirSync(join(path, name)))
    }));
  const all = [{ folder: '', files: own }, ...ranks].filter(
    ({ files }) => files.length > 0
  );
  if (all.length === 0) {
    refuse(
      'the folder has no expert weights',
      path,
      '',
      'its files must be named expert_weights_1.txt, expert_weights_2.txt, ..., or the same with .gz'
    );
  }
  return all;
}

/** Number of layers whose files lie beside a single one. */
function otherLayers(path: string): number {
  return statSync(path).isDirectory() || !NAME.test(basename(path))
    ? 0
    : readdirSync(dirname(path)).filter(
        name => NAME.test(name) && name !== basename(path)
      ).length;
}

function layerFiles(
  folder: string,
  names: string[]
): { layer: number; path: string }[] {
  const files = names
    .filter(name => NAME.test(name))
    .map(name => ({
      layer: Number(NAME.exec(name)![1]),
      path: join(folder, name)
    }))
    .sort((a, b) => a.layer - b.layer);
  const twice = files.find((file, i) => file.layer === files[i - 1]?.layer);
  if (twice) {
    refuse(
      `layer ${twice.layer} occurs twice`,
      twice.path,
      '',
      'remove the file of the other run'
    );
  }
  return files;
}
