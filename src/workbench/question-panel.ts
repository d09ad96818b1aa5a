import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import type { TraceSummary } from 'moe-debugger/protocol';
import { TraceQuestion, type KernelFollower } from '../kernel';
import type { PanelModel } from '../panels/model';

/**
 * A section that asks the kernel about the selected trace and shows the answer. Each notebook has its own question, so
 * that its answer is still there when the notebook is active again. A closed section does nothing.
 */
export abstract class QuestionPanel<
  Type extends TraceQuestion.Answer
> extends Widget {
  constructor(
    protected readonly model: PanelModel,
    private _type: Type
  ) {
    super();
    this.layout = new PanelLayout();
    model.changed.connect(this._update, this);
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.model.changed.disconnect(this._update, this);
    this._follow(undefined);
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._update();
  }

  protected get content(): PanelLayout {
    return this.layout as PanelLayout;
  }

  /** The question about traces of the active notebook; undefined without a notebook. */
  protected get question(): TraceQuestion<Type> | undefined {
    return this._question;
  }

  protected get trace(): TraceSummary | undefined {
    return this.model.follower?.selectedTrace;
  }

  /** Called when the answer, the selected trace or the notebook may have changed. */
  protected abstract draw(): void;

  /** Called before `draw` when the notebook or its traces may have changed, to ask anew. */
  protected onModelChanged(): void {
    // A section may also wait for the user.
  }

  private _update(): void {
    if (this.isHidden) {
      return;
    }
    const { follower } = this.model;
    this._follow(follower ? this._questionOf(follower) : undefined);
    this.onModelChanged();
    this.draw();
  }

  private _questionOf(follower: KernelFollower): TraceQuestion<Type> {
    let question = this._questions.get(follower);
    if (!question) {
      question = new TraceQuestion(follower, this._type);
      this._questions.set(follower, question);
    }
    return question;
  }

  private _follow(question: TraceQuestion<Type> | undefined): void {
    if (question !== this._question) {
      this._question?.changed.disconnect(this.draw, this);
      this._question = question;
      question?.changed.connect(this.draw, this);
    }
  }

  private _question: TraceQuestion<Type> | undefined;
  /** A follower lives as long as its notebook. */
  private _questions = new WeakMap<KernelFollower, TraceQuestion<Type>>();
}
