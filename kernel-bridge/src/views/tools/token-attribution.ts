/** Token attribution: the tokens that a prediction or a routing decision depends on; the target is chosen by clicking. */
import { attribute, targetChoices } from '../../analyses/on-demand';
import {
  DEFAULT_STEPS,
  type AttributeOptions,
  type AttributionTarget,
  type Baseline
} from '../../analyses/attribution/options';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import {
  describeTokenAttribution,
  readAttributionAction,
  type AskedBaseline,
  type AskedTarget,
  type AttributeDocument,
  type AttributionAction,
  type AttributionQuestion,
  type AttributionState
} from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { firstPrompt, promptOf, type ToolPrompt } from './tool-prompt';
import { ModelTool, checkGoing, tokenGiven } from './model-tool';

export interface TokenAttributionOptions extends Pick<
  AttributeOptions,
  'target' | 'position' | 'method' | 'steps'
> {
  /** Prompt to explain. Default: the trace's prompt, or one that the user types. */
  prompt?: ToolPrompt;
  /** A run whose prompt is used. */
  trace?: RoutingTrace;
  /** A contrast prompt must be text. */
  baseline?: Exclude<Baseline, { prompt: unknown }> | { prompt: ToolPrompt };
}

/** Maximum number of expert attributions, strongest first: the state is sent and stored as a whole. */
const MAX_CREDITED = 512;

export class TokenAttribution extends ModelTool<
  AttributionState,
  AttributionAction
> {
  readonly name = 'attribution';
  private _look?: AbortController;

  /** @internal use `model.tools`. Runs nothing: that begins when it is shown with a prompt, or at `attribute`. */
  constructor(
    { loaded: model }: ModelHandle,
    options: TokenAttributionOptions = {}
  ) {
    const { prompt, trace, method = 'ig', steps = DEFAULT_STEPS } = options;
    super(model, {
      running: false,
      question: {
        prompt: firstPrompt(model, prompt, trace),
        target: askedTarget(options),
        method,
        steps,
        baseline: askedBaseline(model, options.baseline ?? 'zero')
      },
      attribution: null,
      choices: null,
      done: 0,
      total: 0,
      refusal: null
    });
  }

  /** Answers the state's question. Resolves when done; an error goes to the state's `refusal`. */
  attribute(): Promise<void> {
    return this._answer(false);
  }

  /** The same, with the deletion and insertion curves of the answer. */
  measureFaithfulness(): Promise<void> {
    return this._answer(true);
  }

  /** Uses another trace, if nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { attribution, running, question } = this.state;
    if (!attribution && !running) {
      const prompt = promptOf(this.model, trace);
      this._set({ question: { ...question, prompt, target: null } });
    }
  }

  override cancel(): Promise<void> {
    this._look?.abort();
    return super.cancel();
  }

  override toString(): string {
    return describeTokenAttribution(this.model.name, this.state);
  }

  protected override _shown(): void {
    if (this.state.attribution === null) {
      void this.attribute();
    }
  }

  protected _read(action: unknown): AttributionAction {
    return readAttributionAction(action);
  }

  protected _do(action: AttributionAction): void {
    switch (action.do) {
      case 'attribute':
        this._ask(action.question);
        break;
      case 'look':
        void this._lookAt(action.position);
        break;
      case 'faithfulness':
        void this.measureFaithfulness();
        break;
      case 'cancel':
        void this.cancel();
    }
  }

  /** Discards results of another prompt, which would be shown with this one. */
  private _ask(question: AttributionQuestion): void {
    const isOther = question.prompt !== this.state.question.prompt;
    this._set({
      question,
      ...(isOther ? { attribution: null, choices: null } : {})
    });
    void this.attribute();
  }

  private _answer(faithfulness: boolean): Promise<void> {
    const { question } = this.state;
    return question.prompt === ''
      ? Promise.resolve()
      : this._run(async signal => {
          this._set({ refusal: null, done: 0, total: 0 });
          const { method, steps, target } = question;
          const input = this._input(question.prompt);
          const found = await attribute(this.model, input, {
            ...(target ? targetOptions(target) : {}),
            method,
            steps,
            baseline: this._baseline(question.baseline),
            faithfulness,
            signal,
            onProgress: ({ done, total }) => this._set({ done, total })
          });
          checkGoing(signal);
          const attribution = found.toJSON();
          this._set({ attribution });
          await this._lookAt(this._place(attribution));
          // Expert and layer attribution needs gradients, which occlusion does not have.
          if (method !== 'occlusion') {
            const credit = await this._credit(input, attribution, signal);
            checkGoing(signal);
            this._set({ attribution: { ...attribution, ...credit } });
          }
        });
  }

  /** Attribution to layers and experts: its graph takes a while to build the first time, so tokens are shown first. */
  private async _credit(
    input: string | number[],
    { target }: AttributeDocument,
    signal: AbortSignal
  ): Promise<Pick<AttributeDocument, 'layers' | 'experts'>> {
    const { kind, position, token, layer, stack, module, expert } = target;
    const { data } = await attribute(this.model, input, {
      target:
        kind === 'router'
          ? { kind, layer: layer!, stack, module, expert: expert! }
          : { kind, token },
      position,
      method: 'grad-input',
      layers: true,
      signal
    });
    const { layers, experts = [] } = data;
    return { layers, experts: strongest(experts) };
  }

  /** The token of the prompt at which, or after which, the target was read. */
  private _place({ target, tokens }: AttributeDocument): number {
    const { decoderIds } = this.model.tokenize(
      this._input(this.state.question.prompt)
    );
    return decoderIds && target.stack !== 'encoder'
      ? tokens.length - 1
      : target.position;
  }

  /** Runs once in parallel to the current task, without cancelling it. */
  private async _lookAt(position: number): Promise<void> {
    this._look?.abort();
    const look = (this._look = new AbortController());
    try {
      const choices = await targetChoices(
        this.model,
        this._input(this.state.question.prompt),
        position,
        look.signal
      );
      if (!look.signal.aborted) {
        this._set({ choices });
      }
    } catch (error) {
      if (!look.signal.aborted) {
        this._refuse(error);
      }
    }
  }

  private _baseline({ kind, text }: AskedBaseline): Baseline {
    switch (kind) {
      case 'zero':
      case 'mean':
        return kind;
      case 'token':
        return { token: tokenGiven(text) };
      case 'prompt':
        return { prompt: this._input(text) };
    }
  }
}

function askedTarget(options: TokenAttributionOptions): AskedTarget | null {
  const { target } = options;
  const position = options.position ?? null;
  if (target?.kind === 'router') {
    return { ...target, position };
  }
  return target || position !== null
    ? { kind: target?.kind ?? 'logit', position, token: target?.token ?? null }
    : null;
}

function targetOptions(asked: AskedTarget): {
  target: AttributionTarget;
  position?: number;
} {
  const { position, ...rest } = asked;
  const at = position === null ? {} : { position };
  return rest.kind === 'router'
    ? { target: rest, ...at }
    : {
        target: {
          kind: rest.kind,
          ...(rest.token === null ? {} : { token: rest.token })
        },
        ...at
      };
}

function askedBaseline(
  model: LoadedModel,
  baseline: NonNullable<TokenAttributionOptions['baseline']>
): AskedBaseline {
  if (typeof baseline === 'string') {
    return { kind: baseline, text: '' };
  }
  return 'token' in baseline
    ? { kind: 'token', text: String(baseline.token) }
    : {
        kind: 'prompt',
        text: firstPrompt(model, baseline.prompt, undefined, 'baseline')
      };
}

function strongest(
  experts: NonNullable<AttributeDocument['experts']>
): NonNullable<AttributeDocument['experts']> {
  return experts.length > MAX_CREDITED
    ? [...experts]
        .sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution))
        .slice(0, MAX_CREDITED)
    : experts;
}
