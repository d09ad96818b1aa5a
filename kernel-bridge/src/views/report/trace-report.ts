/** Report of a trace: one self-contained HTML file. */
import { routingStillSpec, tokenText } from '../../base/charts';
import { specSvg } from '../../show/still-svg';
import { diagnose } from '../../analyses/findings/diagnose';
import { TraceEvidence } from '../../analyses/findings/trace-evidence';
import { TABLE_METRICS, type LayerMetrics } from '../../measures';
import type { EditRecord } from '../../run/edits/edits';
import {
  integrityNote,
  layerName,
  type FoundInRouting,
  type Integrity,
  type RoutingSample
} from '../../base/protocol';
import { findingsSection } from './findings';
import { loadMap, percent } from './load-map';
import { escapeHtml } from '../../show/page/escape-html';
import { reportPage, table, type ReportSection } from '../../show/page/page';

export interface ReportOptions {
  /**
   * 'counts' omits everything that reveals the text: tokens and their ids, samples, domains, and notes; only sums over all
   * tokens remain. Default 'full'.
   */
  privacy?: 'full' | 'counts';
  /** Shown instead of the findings of `diagnose` on the trace: for example those of `model.diagnose()`, which include weights. */
  findings?: FoundInRouting;
  /** Shown after the findings. Their markup is not escaped. */
  sections?: readonly ReportSection[];
}

export interface ReportHead {
  model: string;
  created: Date;
  edits: readonly EditRecord[];
  moeLayers: number;
  notes?: readonly string[];
  integrity?: Integrity;
}

const MAX_SAMPLES = 100;
const MAX_PICTURES = 8;
/** Selections per chart, of some 300 bytes each. */
const MAX_CELLS = 800;
const TEXT_LENGTH = 120;

/** Receives sample after sample; keeps sums, and the part of the first samples that is displayed. */
export class TraceReport {
  private readonly _evidence = new TraceEvidence();
  private readonly _samples: string[][] = [];
  private _first?: RoutingSample;

  /** @throws MoEDebuggerError 'input' when samples belong to different models */
  add(sample: RoutingSample): void {
    this._evidence.add(sample);
    this._first ??= sample;
    if (this._samples.length < MAX_SAMPLES) {
      this._samples.push([
        sample.id.slice(0, TEXT_LENGTH),
        sample.domain?.slice(0, TEXT_LENGTH) ?? '',
        String(sample.tokens.length),
        sample.tokens
          .slice(0, TEXT_LENGTH)
          .map(tokenText)
          .join('')
          .slice(0, TEXT_LENGTH)
      ]);
    }
  }

  private get _tally(): TraceEvidence['tally'] {
    return this._evidence.tally;
  }

  async html(head: ReportHead, options: ReportOptions = {}): Promise<string> {
    const full = options.privacy !== 'counts';
    const layers = this._tally.metrics();
    const found = options.findings ?? diagnose(this._evidence);
    const sections: ReportSection[] = [
      this._summary(head, layers, full),
      findingsSection(found, full),
      ...(options.sections ?? []),
      {
        id: 'load',
        title: 'Load of the experts',
        html: loadMap(layers, found.findings)
      },
      { id: 'layers', title: 'Layers', html: layerTable(layers) }
    ];
    if (full) {
      sections.push(this._sampleSection());
      sections.push(...(await this._pictures(head.model)));
    }
    const about = `Routing of a Mixture-of-Experts model, ${head.created.toISOString().slice(0, 10)}${full ? '' : '; counts only: nothing of the text is in this file'}`;
    return reportPage(head.model || 'Trace', about, sections);
  }

  private _summary(
    { moeLayers, edits, notes = [], integrity }: ReportHead,
    layers: readonly LayerMetrics[],
    full: boolean
  ): ReportSection {
    const slots = layers.reduce((sum, layer) => sum + layer.slots, 0);
    const note = integrityNote(integrity);
    const rows = [
      ['Samples', count(this._tally.samples)],
      ['Tokens', count(this._tally.tokens)],
      ['MoE layers captured', `${layers.length} of ${moeLayers}`],
      ['Slots (token, layer, rank)', count(slots)],
      ['Edits', edits.length === 0 ? 'none' : edits.map(editText).join('; ')],
      ...(note === undefined ? [] : [['Content', note]]),
      ...(full ? notes.map(note => ['Note', note]) : [])
    ];
    return { id: 'summary', title: 'Summary', html: table([], rows, 'words') };
  }

  private _sampleSection(): ReportSection {
    const more = this._tally.samples - this._samples.length;
    return {
      id: 'samples',
      title: 'Samples',
      html:
        table(['sample', 'domain', 'tokens', 'text'], this._samples, 'words') +
        (more > 0 ? `<p class="key">and ${count(more)} more</p>` : '')
    };
  }

  /** Charts of the first sample at its layers: all, or some from the first to the last and which are left out. */
  private async _pictures(model: string): Promise<ReportSection[]> {
    const sample = this._first;
    if (!sample || sample.tokens.length === 0) {
      return [];
    }
    const last = sample.layers.length - 1;
    const pictured = Math.min(sample.layers.length, MAX_PICTURES);
    const chosen = Array.from({ length: pictured }, (_, i) =>
      Math.round((i * last) / Math.max(1, pictured - 1))
    );
    const leftOut = sample.layers.filter((_, i) => !chosen.includes(i));
    const pictures: string[] = [];
    for (const index of chosen) {
      const spec = routingStillSpec(sample, index, {
        model,
        maxRows: MAX_CELLS
      });
      // Every chart uses the same gradient ids, which must be unique within a page.
      const svg = (await specSvg(spec)).replace(
        /(id="|url\(#)gradient_/g,
        `$1layer-${index}-gradient_`
      );
      pictures.push(`<figure>${svg}</figure>`);
    }
    if (leftOut.length > 0) {
      pictures.unshift(
        `<p class="key">${pictured} of ${sample.layers.length} layers are drawn. Left out: ${escapeHtml(leftOut.map(layerName).join(', '))}. The tables above are of all layers.</p>`
      );
    }
    return [
      { id: 'routing', title: 'First sample', html: pictures.join('\n') }
    ];
  }
}

export const newReport = (): TraceReport => new TraceReport();

function layerTable(layers: readonly LayerMetrics[]): string {
  const head = [
    'layer',
    'top-k',
    'experts',
    'tokens',
    'never selected',
    'busiest',
    ...TABLE_METRICS.map(({ short }) => short)
  ];
  return table(
    head,
    layers.map(layer => {
      const { tokenRate } = layer;
      const peak = tokenRate.reduce((best, rate) => Math.max(best, rate), 0);
      return [
        layerName(layer),
        String(layer.topK),
        String(layer.experts),
        count(layer.tokens),
        String(tokenRate.filter(rate => rate === 0).length),
        `${tokenRate.indexOf(peak)} (${percent(peak)})`,
        ...TABLE_METRICS.map(({ name }) => figure(layer[name]))
      ];
    })
  );
}

const count = (value: number): string => value.toLocaleString('en');
const figure = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(4) : '–';

function editText(edit: EditRecord): string {
  const { kind, layer, expert, mode, k } = edit;
  return [
    kind,
    `layer ${layer}`,
    expert === undefined ? '' : `expert ${expert}`,
    mode ?? '',
    k === undefined ? '' : `k ${k}`
  ]
    .filter(Boolean)
    .join(' ');
}
