import {
  type AskedTarget,
  type AttributionAction,
  type AttributionQuestion,
  type AttributionState,
  type TargetChoices
} from 'moe-debugger/protocol';
import { clamp } from '../layer-grid';
import { ToolModel } from '../model';

/** Settings of the next question. */
export type Settings = Pick<
  AttributionQuestion,
  'method' | 'steps' | 'baseline'
>;

/** Token attribution with the state of its view: the selected token and router, and the form. */
export class AttributionModel extends ToolModel<
  AttributionState,
  AttributionAction
> {
  constructor(options: ToolModel.IOptions<AttributionState>) {
    super(options);
    this._follow();
  }

  /** The content of the form, submitted or not. */
  get settings(): Settings {
    return this._settings;
  }
  set settings(settings: Settings) {
    this._settings = settings;
    this.emit();
  }

  /** The largest absolute attribution. */
  get peak(): number {
    return this._peak;
  }

  /** The selected token. */
  get position(): number {
    return (
      this._position ??
      this.state.choices?.position ??
      this.state.attribution?.target.position ??
      0
    );
  }
  set position(position: number) {
    this._position = clamp(
      position,
      this.state.attribution?.tokens.length ?? 1
    );
    this.emit();
    this.send({ do: 'look', position: this._position });
  }

  /** The possible targets at that token; undefined until the kernel has sent them. */
  get choices(): TargetChoices | undefined {
    const { choices } = this.state;
    return choices?.position === this.position ? choices : undefined;
  }

  /** Index of the router whose experts are listed. */
  get router(): number {
    return clamp(
      this._router ?? Math.max(0, this._askedRouter()),
      this.state.choices?.routers.length ?? 1
    );
  }
  set router(router: number) {
    this._router = router;
    this.emit();
  }

  /** Whether this target is the explained one. */
  isTarget(target: AskedTarget): boolean {
    const own = this.state.attribution?.target;
    if (own?.position !== target.position) {
      return false;
    }
    return target.kind === 'router'
      ? own.kind === 'router' &&
          own.layer === target.layer &&
          own.stack === target.stack &&
          own.module === target.module &&
          own.expert === target.expert
      : own.kind !== 'router' && own.token === target.token;
  }

  /** Submits the form. Another prompt has other tokens, so its target is the most likely next token. */
  ask(prompt: string): void {
    const { question } = this.state;
    this.send({
      do: 'attribute',
      question: {
        ...this._complete,
        prompt,
        target: prompt === question.prompt ? question.target : null
      }
    });
  }

  /** Explains another target of the prompt. */
  explain(target: AskedTarget): void {
    const { prompt } = this.state.question;
    this.send({
      do: 'attribute',
      question: { ...this._complete, prompt, target }
    });
  }

  protected override onState(): void {
    this._follow();
  }

  /** The settings, with the last valid number of steps. */
  private get _complete(): Settings {
    const { steps } = this._settings;
    return {
      ...this._settings,
      steps: Number.isNaN(steps) ? this.state.question.steps : steps
    };
  }

  /** A new question from the kernel replaces a form that the user has not changed, and a new answer the selection. */
  private _follow(): void {
    const { question, attribution } = this.state;
    const { method, steps, baseline } = question;
    const asked = JSON.stringify({ method, steps, baseline });
    if (this._asked === '' || JSON.stringify(this._settings) === this._asked) {
      this._settings = { method, steps, baseline };
    }
    this._asked = asked;
    const answered = JSON.stringify([attribution?.target, question.prompt]);
    if (answered !== this._answered) {
      this._position = undefined;
      this._router = undefined;
      this._answered = answered;
    }
    this._peak = (attribution?.tokens ?? []).reduce(
      (most, token) => Math.max(most, Math.abs(token.attribution)),
      0
    );
  }

  private _askedRouter(): number {
    const target = this.state.attribution?.target;
    return (this.state.choices?.routers ?? []).findIndex(
      own =>
        own.layer === target?.layer &&
        own.stack === target.stack &&
        own.module === target.module
    );
  }

  private _answered = '';
  private _asked = '';
  private _peak = 0;
  private _position: number | undefined;
  private _router: number | undefined;
  private _settings!: Settings;
}
