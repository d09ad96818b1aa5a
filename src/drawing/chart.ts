import type { IDisposable } from '@lumino/disposable';
import type { VegaLiteSpec } from 'moe-debugger/charts';
import type { EmbedOptions, Result, VisualizationSpec } from 'vega-embed';

/** The running Vega view of a chart. */
export type ChartView = Result['view'];

/**
 * A Vega-Lite chart in an element. Vega is loaded at the first chart, not with JupyterLab. Nothing is loaded from a
 * specification, and no expression is compiled to code, so that it runs under a strict content security policy.
 */
export class Chart implements IDisposable {
  constructor(private _host: HTMLElement) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Replaces the chart. Resolves to its view, or to undefined if a later call or `dispose` came first. */
  async show(
    spec: VegaLiteSpec,
    config: Record<string, unknown>
  ): Promise<ChartView | undefined> {
    const turn = ++this._turn;
    const { default: embed } = await import('vega-embed');
    if (turn !== this._turn) {
      return undefined;
    }
    const mount = document.createElement('div');
    let result: Result;
    try {
      result = await embed(mount, spec as unknown as VisualizationSpec, {
        ...OPTIONS,
        config: config as EmbedOptions['config']
      });
    } catch (error) {
      if (turn === this._turn) {
        // No chart is better than an outdated one.
        this._clear();
        throw error;
      }
      return undefined;
    }
    if (turn !== this._turn) {
      result.finalize();
      return undefined;
    }
    this._clear();
    this._result = result;
    this._host.replaceChildren(mount);
    return result.view;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._turn++;
    this._clear();
  }

  private _clear(): void {
    this._result?.finalize();
    this._result = undefined;
    this._host.replaceChildren();
  }

  private _isDisposed = false;
  private _result: Result | undefined;
  private _turn = 0;
}

async function refuse(): Promise<never> {
  throw new Error('MoE Debugger charts load nothing');
}

const OPTIONS: EmbedOptions = {
  mode: 'vega-lite',
  renderer: 'canvas',
  actions: false,
  defaultStyle: false,
  tooltip: false,
  hover: false,
  ast: true,
  loader: { load: refuse, sanitize: refuse, http: refuse, file: refuse }
};
