import { randomUUID } from 'node:crypto';
import { editText } from '../../run/edits/edit-text';
import { MoEDebuggerError } from '../../base/errors';
import type { MoEModel } from '../../api/moe-model';
import {
  counted,
  layerName,
  type Coverage,
  type RoutingSample
} from '../../base/protocol';
import { ParquetWriter } from '../../files/trace/parquet';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { unorderedText } from '../../run/trace/unordered-tokens';
import { editsOf, type EditArguments } from './edits';
import { givenPrompts, type PromptArguments } from './given-prompts';
import { openModel } from './open-model';
import { progress, remark, write, writeJsonText } from './output';

interface TraceArguments extends EditArguments, PromptArguments {
  logits?: 'last' | 'all';
  out?: string;
  json?: boolean;
}

export async function trace(
  path: string,
  options: TraceArguments
): Promise<void> {
  const prompts = givenPrompts(options, 'trace');
  const edits = editsOf(options);
  const model = await openModel(path);
  let outputs: Output[] = [];
  try {
    const { rewriteFused } = options;
    const target = edits ? model.with(edits, { rewriteFused }) : model;
    outputs = await outputsOf(options, model);
    for await (const prompt of prompts) {
      progress(`tracing ${prompt.id ?? 'the prompt'}`);
      const traced = await target.trace(prompt, { logits: options.logits });
      progress('');
      unorderedText(traced.samples).forEach(line =>
        remark(`${prompt.id ?? 'the prompt'}, ${line}`)
      );
      for (const output of outputs) {
        await output.add(traced);
      }
    }
    for (const output of outputs) {
      await output.end();
    }
  } finally {
    outputs.forEach(output => output.close?.());
    await model.dispose();
  }
}

/** Outputs for stdout (a document or a table) and for a file, which replaces the table with a single line. */
async function outputsOf(
  { json, out }: TraceArguments,
  model: MoEModel
): Promise<Output[]> {
  const file =
    out === undefined ? [] : [await ParquetOutput.create(out, model)];
  return json ? [...file, new JsonOutput()] : out ? file : [new TextOutput()];
}

interface Output {
  add(trace: RoutingTrace): Promise<void>;
  /** @throws MoEDebuggerError 'input' when nothing was added */
  end(): Promise<void>;
  /** Discards unfinished output. */
  close?(): void;
}

/** Sums the coverage of separate traces. */
class Totals {
  coverage?: Coverage;

  add({ moeLayers, layersCaptured, tokens, slots }: Coverage): void {
    const before = this.coverage;
    this.coverage = {
      moeLayers,
      layersCaptured: Math.min(
        layersCaptured,
        before?.layersCaptured ?? layersCaptured
      ),
      tokens: tokens + (before?.tokens ?? 0),
      slots: slots + (before?.slots ?? 0)
    };
  }

  get(): Coverage {
    if (!this.coverage) {
      throw new MoEDebuggerError('input', 'the prompts file has no prompts', {
        where: '--prompts',
        hint: 'put one prompt per line'
      });
    }
    return this.coverage;
  }
}

/** Writes the document's samples as they arrive, in constant memory. */
class JsonOutput implements Output {
  private readonly _totals = new Totals();
  private _edits: RoutingTrace['edits'] = [];

  async add(trace: RoutingTrace): Promise<void> {
    const { schema, model, samples, edits } = trace.toJSON();
    this._edits = edits;
    const head = this._totals.coverage
      ? ','
      : `{"schema":${JSON.stringify(schema)},"model":${JSON.stringify(model)},"samples":[`;
    this._totals.add(trace.coverage);
    await writeJsonText(
      head + samples.map(sample => JSON.stringify(sample)).join(',')
    );
  }

  async end(): Promise<void> {
    await writeJsonText(
      `],"coverage":${JSON.stringify(this._totals.get())},"edits":${JSON.stringify(this._edits)}}\n`
    );
  }
}

class ParquetOutput implements Output {
  private readonly _totals = new Totals();
  private _edits: RoutingTrace['edits'] = [];

  private constructor(
    private readonly _path: string,
    private readonly _writer: ParquetWriter
  ) {}

  static async create(path: string, model: MoEModel): Promise<ParquetOutput> {
    const writer = await ParquetWriter.create(path, {
      run: randomUUID(),
      model: model.name,
      cards: model.layers,
      created: new Date().toISOString()
    });
    return new ParquetOutput(path, writer);
  }

  async add(trace: RoutingTrace): Promise<void> {
    this._totals.add(trace.coverage);
    this._edits = trace.edits;
    for (const sample of trace.samples) {
      await this._writer.add(sample);
    }
  }

  close(): void {
    this._writer.close();
  }

  async end(): Promise<void> {
    const { tokens, slots } = this._totals.get();
    await this._writer.finish(
      this._edits.length > 0 ? { edits: [...this._edits] } : {}
    );
    remark(
      `wrote ${this._path}: ${counted(tokens, 'token')}, ${counted(slots, 'slot')}`
    );
  }
}

class TextOutput implements Output {
  private readonly _totals = new Totals();
  private _edits: RoutingTrace['edits'] = [];

  async add(trace: RoutingTrace): Promise<void> {
    this._totals.add(trace.coverage);
    this._edits = trace.edits;
    await write(`${trace.samples.map(formatSample).join('\n')}\n`);
  }

  async end(): Promise<void> {
    const { moeLayers, layersCaptured, tokens, slots } = this._totals.get();
    await write(
      `${layersCaptured} of ${counted(moeLayers, 'MoE layer')}, ${counted(tokens, 'token')}, ${counted(slots, 'slot')}\n`
    );
    await write(
      this._edits.map(edit => `edited, ${editText(edit)}\n`).join('')
    );
  }
}

/** One row per token: its text, then the experts of each layer with their weights. */
function formatSample(sample: RoutingSample): string {
  const stacks = [...new Set(sample.layers.map(({ stack }) => stack))];
  return stacks
    .map(stack => {
      const layers = sample.layers.filter(layer => layer.stack === stack);
      const tokens =
        stack === 'encoder' ? (sample.encoderTokens ?? []) : sample.tokens;
      const table = [
        ['token', ...layers.map(layerName)],
        ...tokens.map((token, t) => [
          `${token.position} ${JSON.stringify(token.text ?? token.id)}`,
          ...layers.map(({ selected, weights, topK }) =>
            Array.from({ length: topK }, (_, k) =>
              selected[t * topK + k] < 0
                ? '-'
                : `${selected[t * topK + k]}:${weights[t * topK + k].toFixed(2)}`
            ).join(' ')
          )
        ])
      ];
      const widths = table[0].map((_, column) =>
        Math.max(...table.map(row => row[column].length))
      );
      return table
        .map(row =>
          row
            .map((cell, column) => cell.padEnd(widths[column]))
            .join('  ')
            .trimEnd()
        )
        .join('\n');
    })
    .join('\n\n');
}
