/**
 * Display of traces: heatmap in a cell, figures, explorer and report. A trace itself is data; importing this module adds
 * these methods to every trace.
 */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { writeAtomically } from '../base/atomic-file';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import type { RoutingSample } from '../base/protocol';
import { ParquetWriter } from '../files/trace/parquet';
import { coverageOf } from '../run/trace/coverage';
import { RoutingTrace } from '../run/trace/routing-trace';
import type { Figure } from '../show/figure';
import { resultForms, saveResult } from '../show/save-result';
import { viewBundle } from '../show/view-bundle';
import { addLooks } from './add-looks';
import {
  layerFigure,
  tokenSimilarityFigure,
  type ExpertMatrix,
  type LayerPlace,
  type Loads,
  type RateMatrix
} from './figures';
import { reportOf, type ReportOptions } from './report';
import { RoutingExplorer, type ExplorerOptions } from './routing-explorer';

export interface TraceReportOptions extends ReportOptions {
  /** Also writes the report to this file. */
  out?: string;
}

export interface TraceLooks extends Displayable {
  /**
   * A report of the whole trace as one self-contained HTML file without scripts.
   *
   * @throws MoEDebuggerError 'environment' when `out` cannot be written
   */
  report(options?: TraceReportOptions): Promise<string>;
  /** Token rates of a layer's experts, with intervals. @throws MoEDebuggerError 'input' as all figures do */
  loads(layer: LayerPlace): Figure<Loads>;
  /** Co-activation of a layer's experts. */
  coactivation(layer: LayerPlace): Figure<ExpertMatrix>;
  /** Overlap of the tokens that select a layer's experts. */
  similarity(layer: LayerPlace): Figure<ExpertMatrix>;
  /** Token rates of a layer's experts by domain. */
  domains(layer: LayerPlace): Figure<RateMatrix>;
  /** Token rates of a layer's experts over the course of the trace. */
  overTime(layer: LayerPlace): Figure<RateMatrix>;
  /**
   * Writes the trace to a file atomically: .parquet, which `readTrace` reads, .json, or .html with the report.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void>;
  /** An explorer with a layer slider, interactive while a kernel runs. */
  explorer(options?: ExplorerOptions): RoutingExplorer;
  /** This trace's first prompt next to another's, under one layer slider. */
  compare(other: RoutingTrace, options?: ExplorerOptions): RoutingExplorer;
  [MIMEBUNDLE](): Promise<JsonObject>;
}

declare module '../run/trace/routing-trace' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface RoutingTrace extends TraceLooks {}
}

const LOOKS: TraceLooks & ThisType<RoutingTrace> = {
  async report({ out, ...options } = {}) {
    const html = await reportOf(
      this.samples,
      {
        model: this.model,
        created: this.created,
        edits: this.edits,
        moeLayers: this.coverage.moeLayers,
        integrity: this.integrity
      },
      options
    );
    if (out !== undefined) {
      await writeAtomically(out, unfinished => writeFileSync(unfinished, html));
    }
    return html;
  },

  save(file) {
    return extname(file).toLowerCase() === '.parquet'
      ? saveParquet(this, file)
      : saveResult(
          file,
          { ...resultForms(this), '.html': () => this.report() },
          ['.parquet']
        );
  },

  loads(layer) {
    return layerFigure('loads', this, layer);
  },

  coactivation(layer) {
    return layerFigure('coactivation', this, layer);
  },

  similarity(layer) {
    return tokenSimilarityFigure(this, layer);
  },

  domains(layer) {
    return layerFigure('domains', this, layer);
  },

  overTime(layer) {
    return layerFigure('overTime', this, layer);
  },

  explorer(options = {}) {
    return new RoutingExplorer({
      view: 'explorer',
      model: this.model,
      samples: this.samples,
      coverage: this.coverage,
      ...options
    });
  },

  compare(other, options = {}) {
    const samples = [titled(this.samples[0]), titled(other.samples[0])];
    return new RoutingExplorer({
      view: 'comparison',
      model: this.model,
      samples,
      coverage: coverageOf(samples, this.coverage.moeLayers),
      ...options
    });
  },

  [MIMEBUNDLE]() {
    return viewBundle(
      {
        view: 'explorer',
        model: this.model,
        samples: this.samples,
        coverage: this.coverage
      },
      this.toString()
    );
  }
};

addLooks(RoutingTrace.prototype, LOOKS);

async function saveParquet(trace: RoutingTrace, file: string): Promise<void> {
  const writer = await ParquetWriter.create(file, {
    run: trace.id,
    model: trace.model,
    cards: trace.cards,
    created: trace.created.toISOString(),
    integrity: trace.integrity,
    ...(trace.edits.length > 0 ? { edits: [...trace.edits] } : {})
  });
  try {
    for (const sample of trace.samples) {
      await writer.add(sample);
    }
    await writer.finish();
  } finally {
    writer.close();
  }
}

const TITLE_LENGTH = 48;

/** Titles a prompt without an id of its own; a number would mean nothing next to another trace. */
function titled(sample: RoutingSample): RoutingSample {
  const text = sample.tokens
    .map(token => token.text ?? token.id)
    .join('')
    .trim();
  if (!/^\d+$/.test(sample.id) || text === '') {
    return sample;
  }
  const short = text.length > TITLE_LENGTH;
  return {
    ...sample,
    id: short ? `${text.slice(0, TITLE_LENGTH - 1)}…` : text
  };
}
