/** Result of profiling a model. */
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { printableLine } from '../../base/printable';
import {
  chromeTrace,
  counted,
  type ProfileDocument,
  type ProfiledRuns
} from '../../base/protocol';
import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle, type ResultTable } from '../../show/result-table';

const LISTED = 20;

export class ModelProfile implements Displayable {
  constructor(private readonly _document: ProfileDocument) {}

  get rows(): ProfileDocument['rows'] {
    return this._document.rows;
  }

  /** What takes the most time. */
  get bottlenecks(): readonly string[] {
    return this._document.bottlenecks;
  }

  toJSON(): ProfileDocument {
    return this._document;
  }

  /** The run as Chrome's trace events: Perfetto opens them. */
  toChromeTrace(): ReturnType<typeof chromeTrace> {
    return chromeTrace(this._document);
  }

  toString(): string {
    const { model, prefill, oneToken, bottlenecks, notes } = this._document;
    return [
      `${printableLine(model)}: ${runsText(prefill)}; ${runsText(oneToken)}`,
      ...bottlenecks,
      ...this._parts()
        .slice(0, LISTED)
        .map(
          ([place, part, milliseconds, share]) =>
            `  ${place.padEnd(18)} ${part.padEnd(10)} ${milliseconds.toFixed(3).padStart(9)} ms  ${(100 * share).toFixed(1).padStart(5)} %`
        ),
      ...notes.map(note => `note: ${note}`)
    ].join('\n');
  }

  [MIMEBUNDLE](): JsonObject {
    return tableBundle(this._table(), this.toString());
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html, or .trace.json, which Perfetto opens.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    const forms = file.endsWith('.trace.json')
      ? { '.json': () => `${JSON.stringify(this.toChromeTrace())}\n` }
      : resultForms(this, () => this._table());
    return saveResult(file, forms);
  }

  private _parts(): [string, string, number, number][] {
    const { rows } = this._document;
    const total = rows.reduce((sum, row) => sum + row.milliseconds, 0) || 1;
    const all = new Map<string, number>();
    for (const { place, part, milliseconds } of rows) {
      const key = `${place}\n${part}`;
      all.set(key, (all.get(key) ?? 0) + milliseconds);
    }
    return [...all]
      .sort((a, b) => b[1] - a[1])
      .map(([key, milliseconds]) => {
        const [place, part] = key.split('\n');
        return [place, part, milliseconds, milliseconds / total];
      });
  }

  private _table(): ResultTable {
    const { model, prefill, bottlenecks, notes } = this._document;
    return {
      title: `Time of ${printableLine(model)}, ${runsText(prefill)}`,
      columns: ['place', 'part', 'milliseconds', 'share'],
      rows: this._parts(),
      notes: [...bottlenecks, ...notes]
    };
  }
}

/** "43 tokens in 12.30 ms (3,496 tokens/s)" */
function runsText({ tokens, milliseconds }: ProfiledRuns): string {
  const rate = milliseconds > 0 ? (1000 * tokens) / milliseconds : 0;
  return `${counted(tokens, 'token')} in ${milliseconds.toFixed(2)} ms (${Math.round(rate).toLocaleString('en')} tokens/s)`;
}
