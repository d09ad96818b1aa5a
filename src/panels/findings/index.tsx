import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import {
  layerName,
  readFindingsState,
  type Finding
} from 'moe-debugger/protocol';
import { ReactDrawing, errorBox, type Drawing } from '../../drawing';
import { DrawingWidget } from '../../drawing-widget';
import { FindingsModel, FindingsView } from '../../findings';
import { TraceQuestion, type KernelFollower } from '../../kernel';
import type { IMoEContext } from '../../tokens';
import { TOOLS } from '../../tools';
import type { PanelModel } from '../model';
import { FindingsHead } from './head';

/** The findings of the chosen trace, when somebody asks for them. */
export class FindingsPanel extends Widget {
  constructor(private _options: FindingsPanel.IOptions) {
    super();
    const { model, context } = _options;
    this.addClass('moe-FindingsPanel');
    this.title.label = TOOLS.findings.title(context.trans);
    const layout = (this.layout = new PanelLayout());
    this._head = new FindingsHead(() => ({
      follower: model.follower,
      findings: this._findings,
      trans: context.trans
    }));
    layout.addWidget(this._head);
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

  private _update(): void {
    const { follower } = this._options.model;
    this._follow(follower ? this._findingsOf(follower) : undefined);
    this._draw();
  }

  private _findingsOf(follower: KernelFollower): TraceQuestion<'findings'> {
    let findings = this._known.get(follower);
    if (!findings) {
      findings = new TraceQuestion(follower, 'findings');
      this._known.set(follower, findings);
    }
    return findings;
  }

  private _follow(findings: TraceQuestion<'findings'> | undefined): void {
    if (findings !== this._findings) {
      this._findings?.changed.disconnect(this._draw, this);
      this._findings = findings;
      findings?.changed.connect(this._draw, this);
    }
  }

  private _draw(): void {
    this._head.update();
    const result = this._findings?.result;
    if (result === this._shown) {
      return;
    }
    this._shown = result;
    this._content?.dispose();
    this._model?.dispose();
    this._content = undefined;
    if (result) {
      this._content = new DrawingWidget(this._make(result));
      (this.layout as PanelLayout).addWidget(this._content);
    }
  }

  private _make({ trace, state }: TraceQuestion.IResult<'findings'>): Drawing {
    const { trans } = this._options.context;
    try {
      this._model = new FindingsModel({
        modelName: trace.model,
        state,
        read: readFindingsState
      });
      return new ReactDrawing(
        <FindingsView
          model={this._model}
          trans={trans}
          showLayer={finding => this._showLayer(trace.id, finding)}
        />
      );
    } catch (error) {
      return errorBox({
        title: trans.__('These findings cannot be shown.'),
        error
      });
    }
  }

  /** In the picture of the trace, which may have to be fetched for that. */
  private _showLayer(id: string, finding: Finding): void {
    const { follower } = this._options.model;
    if (follower && follower.selected !== id) {
      follower.select(id);
    }
    const { routing } = follower ?? {};
    const index = routing?.view.samples[0].layers.findIndex(
      layer => layerName(layer) === layerName(finding)
    );
    if (routing && index !== undefined && index >= 0) {
      routing.layerIndex = index;
    }
  }

  private _content: Widget | undefined;
  private _findings: TraceQuestion<'findings'> | undefined;
  private _head: FindingsHead;
  /** A follower lives as long as its notebook. */
  private _known = new WeakMap<KernelFollower, TraceQuestion<'findings'>>();
  private _model: FindingsModel | undefined;
  private _shown: TraceQuestion.IResult<'findings'> | undefined;
}

export namespace FindingsPanel {
  export interface IOptions {
    model: PanelModel;
    context: IMoEContext;
  }
}
