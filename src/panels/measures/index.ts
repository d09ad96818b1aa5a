import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import type { TraceSummary } from 'moe-debugger/protocol';
import { DrawingWidget } from '../../drawing-widget';
import { FigureView } from '../../figures';
import { TraceQuestion, type KernelFollower } from '../../kernel';
import type { IMoEContext } from '../../tokens';
import type { PanelModel } from '../model';
import { MeasuresHead, type IMeasuresChoice } from './head';

/** Loads, pairs, likeness, domains and time of the chosen trace, a layer at a time. Closed, it asks for nothing. */
export class MeasuresPanel extends Widget {
  constructor(private _options: MeasuresPanel.IOptions) {
    super();
    const { model, context } = _options;
    this.addClass('moe-MeasuresPanel');
    this.title.label = context.trans.__('Measures');
    const layout = (this.layout = new PanelLayout());
    this._head = new MeasuresHead(
      () => ({
        layers: this._question?.result?.state.layers ?? [],
        choice: this._choice,
        advice: this._advice(),
        error: this._question?.error,
        choose: choice => {
          this._choice = choice;
          this._ask();
        }
      }),
      context.trans
    );
    this._view = new FigureView({ context });
    layout.addWidget(this._head);
    layout.addWidget(new DrawingWidget(this._view));
    model.changed.connect(this._update, this);
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.model.changed.disconnect(this._update, this);
    this._follow(undefined);
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._update();
  }

  private get _trace(): TraceSummary | undefined {
    const { follower } = this._options.model;
    return follower?.traces.find(({ id }) => id === follower.selected);
  }

  private _update(): void {
    if (this.isHidden) {
      return;
    }
    const { follower } = this._options.model;
    this._follow(follower ?? undefined);
    const key = this._key();
    if (key !== this._asked) {
      this._ask();
    }
    this._draw();
  }

  private _ask(): void {
    const trace = this._trace;
    this._asked = this._key();
    if (trace && this._options.model.follower?.has('figures')) {
      this._question?.ask(trace, { type: 'draw', ...this._choice });
    }
    this._draw();
  }

  /** What the picture should be of: a trace grows while it is recorded, and is drawn anew then. */
  private _key(): string {
    const trace = this._trace;
    return trace
      ? JSON.stringify([trace.id, trace.samples, trace.coverage, this._choice])
      : '';
  }

  private _follow(follower: KernelFollower | undefined): void {
    if (follower !== this._follower) {
      this._question?.dispose();
      this._follower = follower;
      this._asked = '';
      this._question = follower
        ? new TraceQuestion(follower, 'figure')
        : undefined;
      this._question?.changed.connect(this._draw, this);
    }
  }

  private _draw(): void {
    const result = this._question?.result;
    // The next trace may have fewer layers.
    if (result && this._choice.layerIndex >= result.state.layers.length) {
      this._choice = { ...this._choice, layerIndex: result.state.layerIndex };
    }
    this._head.update();
    const isShown = this._advice() === undefined && result !== undefined;
    this._view.node.hidden = !isShown || this._question?.error !== undefined;
    if (result && result.state !== this._shown) {
      this._shown = result.state;
      this._view.figure = result.state;
    }
  }

  private _advice(): string | undefined {
    const { model, context } = this._options;
    const { trans } = context;
    const { follower } = model;
    if (follower?.status === 'ready' && !follower.has('figures')) {
      return trans.__(
        'The kernel is older than this panel and draws no measures. Update moe-debugger and restart the kernel.'
      );
    }
    return this._trace
      ? undefined
      : trans.__(
          'Trace some texts in a cell, as in: await model.trace([...]). How often their experts are chosen, which together, by which domains and when is drawn here.'
        );
  }

  private _asked = '';
  private _choice: IMeasuresChoice = { name: 'loads', layerIndex: 0 };
  private _follower: KernelFollower | undefined;
  private _head: MeasuresHead;
  private _question: TraceQuestion<'figure'> | undefined;
  private _shown: unknown;
  private _view: FigureView;
}

export namespace MeasuresPanel {
  export interface IOptions {
    model: PanelModel;
    context: IMoEContext;
  }
}
