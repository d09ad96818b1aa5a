import type { Widget } from '@lumino/widgets';
import {
  layerName,
  readFindingsState,
  type Finding
} from 'moe-debugger/protocol';
import { ReactDrawing, errorBox, type Drawing } from '../../drawing';
import { DrawingWidget } from '../../drawing-widget';
import { FindingsModel, FindingsView } from '../../findings';
import type { TraceQuestion } from '../../kernel';
import { TOOLS } from '../../tools';
import { QuestionPanel } from '../question-panel';
import type { ISectionOptions } from '../section';
import { FindingsHead } from './head';

/** The findings of the selected trace, when the user asks for them. */
export class FindingsPanel extends QuestionPanel<'findings'> {
  constructor(private _options: ISectionOptions) {
    super(_options.model, 'findings');
    const { model, context } = _options;
    this.addClass('moe-FindingsPanel');
    this.title.label = TOOLS.findings.title(context.trans);
    this._head = new FindingsHead(() => ({
      follower: model.follower,
      findings: this.question,
      trans: context.trans
    }));
    this.content.addWidget(this._head);
  }

  protected draw(): void {
    this._head.update();
    const result = this.question?.result;
    if (result === this._shown) {
      return;
    }
    this._shown = result;
    this._view?.dispose();
    this._model?.dispose();
    this._view = undefined;
    if (result) {
      this._view = new DrawingWidget(this._make(result));
      this.content.addWidget(this._view);
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

  /** Shows the finding's layer in the trace's picture, which is fetched if it is not there. */
  private _showLayer(id: string, finding: Finding): void {
    const { follower } = this.model;
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

  private _head: FindingsHead;
  private _model: FindingsModel | undefined;
  private _shown: TraceQuestion.IResult<'findings'> | undefined;
  private _view: Widget | undefined;
}
