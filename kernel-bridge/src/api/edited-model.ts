/** A model with edits: runs as the model does, and tells in every trace what was changed. */
import type { Generation } from '../run/generation/generation';
import type { GenerateOptions } from '../run/generation/options';
import type { Lens } from '../analyses/lens/lens';
import { readLens } from '../analyses/on-demand';
import type { LensOptions } from '../analyses/lens/read-lens';
import type { TraceOptions } from '../run/trace/trace-prompts';
import type { ModelHandle } from '../run/model/loaded-model';
import { promptList, type Prompt } from '../run/model/prompt';
import { generateOn, traceOn } from '../run/generation/run-prompts';
import type { RoutingTrace } from '../run/trace/routing-trace';
import type { EditedRun, EditedSession } from '../run/edits/edited-session';
import type { EditRecord, Edits } from '../run/edits/edits';

export class EditedModel {
  /** The edits one by one, as its traces record them. */
  readonly edits: readonly EditRecord[];
  private readonly _run: () => Promise<EditedRun>;

  /**
   * @internal use `model.with`
   * @param model what is edited; disposing of it disposes of this
   * @throws MoEDebuggerError 'edit' naming the layer and what is possible there
   */
  constructor(
    readonly model: ModelHandle,
    session: EditedSession,
    private readonly _edits: Edits
  ) {
    const { records, run } = session.resolve(_edits);
    this.edits = records.records;
    this._run = run;
  }

  /** As `MoEModel.trace`, with the edits. Logits are the router's own, before them. */
  trace(
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions = {}
  ): Promise<RoutingTrace> {
    return traceOn(this.model.loaded, this._run, prompts, options);
  }

  /** As `MoEModel.generate`, with the edits. */
  async generate(
    prompt: Prompt,
    options?: GenerateOptions
  ): Promise<Generation>;
  async generate(
    prompts: readonly Prompt[],
    options?: GenerateOptions
  ): Promise<Generation[]>;
  async generate(
    prompts: Prompt | readonly Prompt[],
    options: GenerateOptions = {}
  ): Promise<Generation | Generation[]> {
    const generations = await generateOn(
      this.model.loaded,
      this._run,
      prompts,
      options
    );
    return promptList(prompts) === prompts ? generations : generations[0];
  }

  /** As `MoEModel.lens`, with the edits. */
  async lens(
    prompt: Prompt,
    options: Omit<LensOptions, 'edits'> = {}
  ): Promise<Lens> {
    return readLens(this.model.loaded, prompt, {
      ...options,
      edits: this._edits
    });
  }

  toString(): string {
    return `${this.model.loaded.name} with ${this.edits.length} ${this.edits.length === 1 ? 'edit' : 'edits'}`;
  }
}
