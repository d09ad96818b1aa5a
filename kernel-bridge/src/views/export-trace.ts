/** Exports a trace file as a report, JSON, CSV, or rewritten Parquet, one sample at a time. */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { MoEDebuggerError } from '../base/errors';
import { newReport, type ReportOptions } from './report';
import {
  NO_TOKEN_ID,
  tokensOf,
  type Coverage,
  type RoutingSample
} from '../base/protocol';
import { writeAtomically } from '../base/atomic-file';
import { routerCards } from '../files/trace/cards';
import { ParquetWriter } from '../files/trace/parquet';
import {
  openTrace,
  type ReadOptions,
  type TraceFile
} from '../files/trace/read-trace';
import { sampleDocument } from '../run/trace/trace-document';

export const EXPORT_FORMATS = ['html', 'json', 'csv', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions extends ReadOptions {
  format: ExportFormat;
  out: string;
  /** For HTML: 'counts' omits everything that reveals the text. */
  privacy?: ReportOptions['privacy'];
}

/**
 * - html: the report that `RoutingTrace.report` gives;
 * - json: the document that `moe-debugger trace --json` prints;
 * - csv: one row per token, layer and rank; no logits;
 * - parquet: docs/traces.md, with a single run and sorted rows.
 *
 * @returns counts of what was written
 * @throws MoEDebuggerError 'input' as `readTrace`, 'environment' when `out` cannot be written
 */
export async function exportTrace(
  path: string,
  { format, out, privacy, ...options }: ExportOptions
): Promise<{ samples: number; tokens: number }> {
  const file = await openTrace(path, options);
  const written = new Counted(file);
  try {
    if (format === 'html') {
      await writeReport(written, out, { privacy });
    } else if (format === 'parquet') {
      await writeParquet(written, out);
    } else {
      await writeText(out, write =>
        format === 'json' ? writeJson(written, write) : writeCsv(written, write)
      );
    }
    return { samples: written.samples, tokens: written.tokens };
  } finally {
    file.close();
  }
}

/** Passes on the samples of a file and counts them; throws if there are none. */
class Counted {
  samples = 0;
  tokens = 0;
  slots = 0;
  layers = Infinity;

  constructor(readonly file: TraceFile) {}

  async *all(): AsyncGenerator<RoutingSample, void, undefined> {
    for await (const sample of this.file.samples()) {
      this.samples++;
      this.tokens += sample.tokens.length;
      this.layers = Math.min(this.layers, sample.layers.length);
      for (const { selected } of sample.layers) {
        this.slots += selected.length;
      }
      yield sample;
    }
    if (this.samples === 0) {
      throw new MoEDebuggerError('input', 'the trace has no rows', {
        where: this.file.path,
        hint: 'capture or import it again'
      });
    }
  }

  coverage(): Coverage {
    return {
      moeLayers: routerCards(this.file.cards).length,
      layersCaptured: this.layers,
      tokens: this.tokens,
      slots: this.slots
    };
  }
}

type Write = (text: string) => Promise<void>;

async function writeReport(
  written: Counted,
  out: string,
  options: ReportOptions
): Promise<void> {
  const { metadata, cards } = written.file;
  const report = newReport();
  for await (const sample of written.all()) {
    report.add(sample);
  }
  const created = new Date(metadata.created ?? NaN);
  const html = await report.html(
    {
      model: metadata.model,
      created: Number.isNaN(created.getTime()) ? new Date() : created,
      edits: metadata.edits ?? [],
      moeLayers: routerCards(cards).length,
      notes: metadata.source?.notes,
      integrity: written.file.integrity
    },
    options
  );
  await writeText(out, write => write(html));
}

async function writeParquet(written: Counted, out: string): Promise<void> {
  const { metadata, run, cards } = written.file;
  const { model, created, source, edits } = metadata;
  const writer = await ParquetWriter.create(out, {
    run,
    model,
    cards,
    created,
    source,
    edits,
    integrity: written.file.integrity
  });
  try {
    for await (const sample of written.all()) {
      await writer.add(sample);
    }
    await writer.finish();
  } finally {
    writer.close();
  }
}

async function writeJson(written: Counted, write: Write): Promise<void> {
  const { metadata, integrity } = written.file;
  const { model, edits = [] } = metadata;
  await write(
    `{"schema":"moe-debugger/trace@1","model":${JSON.stringify(model)},"samples":[`
  );
  let first = true;
  for await (const sample of written.all()) {
    await write(
      (first ? '\n' : ',\n') + JSON.stringify(sampleDocument(sample))
    );
    first = false;
  }
  await write(
    `\n],"coverage":${JSON.stringify(written.coverage())},"edits":${JSON.stringify(edits)}${integrity === 'unverified' ? ',"integrity":"unverified"' : ''}}\n`
  );
}

const CSV_HEAD =
  'sample,domain,position,token_id,token_text,stack,layer,module,rank,expert,weight\n';

async function writeCsv(written: Counted, write: Write): Promise<void> {
  await write(CSV_HEAD);
  for await (const sample of written.all()) {
    const { id, domain } = sample;
    for (const layer of sample.layers) {
      const { topK, selected, weights } = layer;
      const place = [layer.stack, layer.layer, layer.module].map(csv).join();
      const rows: string[] = [];
      tokensOf(sample, layer).forEach((token, t) => {
        const of = `${csv(id)},${csv(domain)},${token.position},${token.id === NO_TOKEN_ID ? '' : token.id},${csv(token.text)},${place}`;
        for (let rank = 0; rank < topK; rank++) {
          const slot = t * topK + rank;
          rows.push(`${of},${rank},${selected[slot]},${weights[slot] ?? ''}\n`);
        }
      });
      await write(rows.join(''));
    }
  }
}

/** Quotes a field according to RFC 4180. */
function csv(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function writeText(
  out: string,
  fill: (write: Write) => Promise<void>
): Promise<void> {
  await writeAtomically(out, async unfinished => {
    const stream = createWriteStream(unfinished);
    // An error between two writes is thrown by the next one.
    stream.on('error', () => undefined);
    try {
      await once(stream, 'open');
      await fill(text => writeTo(stream, text));
      stream.end();
      await finished(stream);
    } finally {
      stream.destroy();
    }
  });
}

async function writeTo(stream: WriteStream, text: string): Promise<void> {
  if (stream.errored) {
    throw stream.errored;
  }
  if (!stream.write(text)) {
    await once(stream, 'drain');
  }
}
