import { DrawingWidget } from '../../drawing-widget';
import { FigureView } from '../../figures';
import type { TraceQuestion } from '../../kernel';
import { QuestionPanel } from '../question-panel';
import type { ISectionOptions } from '../../panels/section';
import { MeasuresHead, type IMeasuresChoice } from './head';

/** Loads, coactivation, similarity, domains and loads over time of the selected trace, one layer at a time. */
export class MeasuresPanel extends QuestionPanel<'figure'> {
  constructor(private _options: ISectionOptions) {
    super(_options.model, 'figure');
    const { context } = _options;
    this.addClass('moe-MeasuresPanel');
    this.title.label = context.trans.__('Measures');
    this._head = new MeasuresHead(
      () => ({
        layers: this.question?.result?.state.layers ?? [],
        choice: this._choice,
        advice: this._advice(),
        error: this.question?.error,
        choose: choice => {
          this._choice = choice;
          this._ask();
          this.draw();
        }
      }),
      context.trans
    );
    this._view = new FigureView({ context });
    this.content.addWidget(this._head);
    this.content.addWidget(new DrawingWidget(this._view));
  }

  protected override onModelChanged(): void {
    if (this.question !== this._asked || this._key() !== this._askedKey) {
      this._ask();
    }
  }

  protected draw(): void {
    const result = this.question?.result;
    // The next trace may have fewer layers.
    if (result && this._choice.layerIndex >= result.state.layers.length) {
      this._choice = { ...this._choice, layerIndex: result.state.layerIndex };
    }
    this._head.update();
    const isShown = this._advice() === undefined && result !== undefined;
    this._view.node.hidden = !isShown || this.question?.error !== undefined;
    if (result && result.state !== this._shown) {
      this._shown = result.state;
      this._view.figure = result.state;
    }
  }

  private _ask(): void {
    this._asked = this.question;
    this._askedKey = this._key();
    if (this.trace && this.model.follower?.has('figures')) {
      this.question?.ask(this.trace, { type: 'draw', ...this._choice });
    }
  }

  /** Identifies the figure to draw. A trace grows while it is recorded, and its figure is drawn anew. */
  private _key(): string {
    const { trace } = this;
    return trace
      ? JSON.stringify([trace.id, trace.samples, trace.coverage, this._choice])
      : '';
  }

  private _advice(): string | undefined {
    const { trans } = this._options.context;
    const { follower } = this.model;
    if (follower?.status === 'ready' && !follower.has('figures')) {
      return trans.__(
        'The kernel is older than this panel and draws no measures. Update moe-debugger and restart the kernel.'
      );
    }
    return this.trace
      ? undefined
      : trans.__(
          'Trace some texts in a cell, as in: await model.trace([...]). Their loads, coactivation, similarity, domains and loads over time are drawn here.'
        );
  }

  private _asked: TraceQuestion<'figure'> | undefined;
  private _askedKey = '';
  private _choice: IMeasuresChoice = { name: 'loads', layerIndex: 0 };
  private _head: MeasuresHead;
  private _shown: unknown;
  private _view: FigureView;
}
