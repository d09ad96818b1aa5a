/** Circuit view: finds the circuit that carries the difference between two prompts to a target, prunes and patches it. */
import { findCircuit } from '../../analyses/on-demand';
import type { Circuit } from '../../analyses/circuits/circuit';
import type { CircuitOptions } from '../../analyses/circuits/options';
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import type { Corrupted, PatchTarget } from '../../analyses/patching/options';
import {
  describeCircuitView,
  readCircuitAction,
  type AskedCircuitTarget,
  type CircuitAction,
  type CircuitDocument,
  type CircuitQuestion,
  type CircuitState
} from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { firstPrompt, promptOf, type ToolPrompt } from './tool-prompt';
import { ModelTool, checkGoing, tokenGiven } from './model-tool';

type SearchOptions = Pick<
  CircuitOptions,
  | 'steps'
  | 'size'
  | 'threshold'
  | 'measure'
  | 'faithfulness'
  | 'randomCircuits'
  | 'parts'
  | 'seed'
>;

export interface CircuitViewOptions
  extends
    SearchOptions,
    Pick<CircuitOptions, 'target' | 'position' | 'direction' | 'edges'> {
  /** Default: the trace's prompt, or one that the user types. */
  clean?: ToolPrompt;
  /** A prompt of the same length, or the clean one with zero or mean embeddings. */
  corrupted?: ToolPrompt | { embeddings: 'zero' | 'mean' };
  /** A run whose prompt is used. */
  trace?: RoutingTrace;
}

/** The corrupted prompt as the question has it. */
function askedCorrupted(
  model: LoadedModel,
  corrupted: NonNullable<CircuitViewOptions['corrupted']>
): Pick<CircuitState['question'], 'other' | 'corrupted'> {
  return typeof corrupted === 'object' &&
    corrupted !== null &&
    'embeddings' in corrupted
    ? { other: corrupted.embeddings, corrupted: '' }
    : {
        other: 'prompt',
        corrupted: firstPrompt(model, corrupted, undefined, 'corrupted')
      };
}

/** Maximum edges of the state, which is sent and stored as a whole. */
const MAX_EDGES = 1000;

export class CircuitView extends ModelTool<CircuitState, CircuitAction> {
  readonly name = 'circuit';
  private readonly _options: SearchOptions;
  private _circuit?: Circuit;

  /** @internal use `model.tools`. Runs nothing: that begins when it is shown with both prompts, or at `find`. */
  constructor(
    { loaded: model }: ModelHandle,
    options: CircuitViewOptions = {}
  ) {
    const {
      clean,
      corrupted = '',
      trace,
      target,
      position,
      direction = 'noising',
      edges = true,
      ...search
    } = options;
    super(model, {
      running: false,
      question: {
        clean: firstPrompt(model, clean, trace, 'clean'),
        ...askedCorrupted(model, corrupted),
        target: { ...askedTarget(target), position: position ?? null },
        direction,
        edges
      },
      circuit: null,
      patches: [],
      done: 0,
      total: 0,
      refusal: null
    });
    this._options = search;
  }

  /** Finds the circuit of the state's question. Resolves when done; an error goes to the state's `refusal`. */
  find(): Promise<void> {
    const { question } = this.state;
    return isComplete(question)
      ? this._run(async signal => {
          this._set({ refusal: null, done: 0, total: 0 });
          const { target, direction, edges } = question;
          const circuit = await findCircuit(
            this.model,
            this._input(question.clean),
            this._corrupted(question),
            {
              ...this._options,
              target: patchTarget(target),
              ...(target.position === null
                ? {}
                : { position: target.position }),
              direction,
              edges,
              signal,
              onProgress: ({ done, total }) => this._set({ done, total })
            }
          );
          checkGoing(signal);
          this._circuit = circuit;
          this._set({ circuit: strongest(circuit.toJSON()), patches: [] });
        })
      : Promise.resolve();
  }

  /** Patches a node, at one token or at all. Resolves when the state contains the result. */
  patch(node: string, position: number | null = null): Promise<void> {
    return this._run(async signal => {
      this._set({ refusal: null, done: 0, total: 0 });
      if (!this._circuit) {
        throw new MoEDebuggerError('input', 'there is no circuit to patch', {
          hint: 'find one first'
        });
      }
      const [{ effect }] = await this._circuit.patch(
        [{ node, ...(position === null ? {} : { position }) }],
        { signal }
      );
      checkGoing(signal);
      this._set({
        patches: [
          ...this.state.patches.filter(
            own => own.node !== node || own.position !== position
          ),
          { node, position, effect: Number.isFinite(effect) ? effect : null }
        ]
      });
    });
  }

  /** Uses another trace, if nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { circuit, running, question } = this.state;
    if (!circuit && !running) {
      const clean = promptOf(this.model, trace);
      this._set({ question: { ...question, clean } });
    }
  }

  override toString(): string {
    return describeCircuitView(this.model.name, this.state);
  }

  protected override _shown(): void {
    if (this.state.circuit === null) {
      void this.find();
    }
  }

  protected _read(action: unknown): CircuitAction {
    return readCircuitAction(action);
  }

  protected _do(action: CircuitAction): void {
    switch (action.do) {
      case 'find':
        this._ask(action.question);
        break;
      case 'patch':
        void this.patch(action.node, action.position);
        break;
      case 'cancel':
        void this.cancel();
    }
  }

  /** Discards results of other prompts, which would be shown with these. */
  private _ask(question: CircuitQuestion): void {
    const before = this.state.question;
    const isOther =
      question.clean !== before.clean ||
      question.other !== before.other ||
      question.corrupted !== before.corrupted;
    this._set({ question });
    if (isOther) {
      this._circuit = undefined;
      this._set({ circuit: null, patches: [] });
    }
    void this.find();
  }

  private _corrupted({ other, corrupted }: CircuitQuestion): Corrupted {
    return other === 'prompt' ? this._input(corrupted) : { embeddings: other };
  }
}

function isComplete({ clean, other, corrupted }: CircuitQuestion): boolean {
  return clean !== '' && (other !== 'prompt' || corrupted !== '');
}

function askedTarget(
  target: PatchTarget | undefined
): Omit<AskedCircuitTarget, 'position'> {
  const asked = { token: '', against: '', layer: 0, expert: 0 };
  if (target?.kind === 'router') {
    const { kind, layer, expert } = target;
    return { ...asked, kind, layer, expert };
  }
  return {
    ...asked,
    kind: target?.kind ?? 'logit',
    token: String(target?.token ?? ''),
    against: String(
      (target?.kind === 'logit-difference' ? target.against : undefined) ?? ''
    )
  };
}

function patchTarget({
  kind,
  token,
  against,
  layer,
  expert
}: AskedCircuitTarget): PatchTarget {
  if (kind === 'router') {
    return { kind, layer, expert };
  }
  return {
    kind,
    ...(token === '' ? {} : { token: tokenGiven(token) }),
    ...(kind === 'logit-difference' && against !== ''
      ? { against: tokenGiven(against) }
      : {})
  };
}

function strongest(document: CircuitDocument): CircuitDocument {
  const left = Math.max(0, document.edges.length - MAX_EDGES);
  return left === 0
    ? document
    : {
        ...document,
        edges: document.edges.slice(0, MAX_EDGES),
        edgesLeftOut: document.edgesLeftOut + left
      };
}
