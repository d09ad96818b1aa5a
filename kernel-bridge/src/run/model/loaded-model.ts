/**
 * A loaded model. It has no members for gradients, edits or a lens; these store what they need of a model with
 * `ofModel`.
 */
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import type { Token } from '../../base/protocol';
import type { OnnxModel } from '../../onnx/file/model';
import type { GraphProto } from '../../onnx/file/schema';
import type { Graph } from '../../onnx/graph/graph';
import type { BranchedRouters } from '../../routing/branches';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';
import { Engine, type Session } from '../engine/engine';
import type { SessionOptions } from '../engine/messages';
import type { SharedSession } from '../engine/session-pool';
import type { ModelConfig } from './config';
import type { ModelDescription } from './description';
import { ModelInputs } from './inputs';
import { modelSession } from './model-session';
import {
  tokenizePrompt,
  type Prompt,
  type PromptLimits,
  type TokenizedPrompt
} from './prompt';
import { promptLimits } from './prompt-limits';
import type { ModelStructure } from './structure';
import { tokensOf, type FoundTokenizer, type Tokenizer } from './tokenizer';
import { logitsOutput } from './vocabulary';

export class LoadedModel implements ModelStructure {
  /** Identifies the model within this process. */
  readonly id: string = randomUUID();
  readonly name: string;
  readonly onnx: OnnxModel;
  readonly graph: Graph;
  readonly found: FoundRouters;
  readonly branched?: BranchedRouters;
  readonly config: ModelConfig;
  readonly description: ModelDescription;
  readonly routers: readonly Router[];
  readonly plan: CapturePlan;
  /** Undefined if the model has no tokenizer.json that can be read; prompts are then token ids. */
  readonly tokenizer: Tokenizer | undefined;
  /** Why there is no tokenizer, for errors of what needs one. */
  readonly noTokenizer: string;
  /** Whether it has a tokenizer.json that cannot be read: it runs on token ids, and tokens have no texts. */
  readonly hasBrokenTokenizer: boolean;
  readonly settings: SessionOptions;
  readonly inputs: ModelInputs;
  /** Name of the output that holds the logits. */
  readonly logits: string;
  readonly session: Session;
  private readonly _limits: PromptLimits;
  private readonly _releases: (() => Promise<void>)[];
  private _disposed = false;

  constructor(structure: ModelStructure, running: LoadedModel.IOptions) {
    const { onnx, graph, found, branched, config, description } = structure;
    const { tokenizer, noTokenizer, isBroken } = running.tokenizer;
    const { settings, plan, session } = running;
    this.name = onnx.name;
    this.onnx = onnx;
    this.graph = graph;
    this.found = found;
    this.branched = branched;
    this.config = config;
    this.description = isBroken
      ? {
          ...description,
          warnings: [
            ...description.warnings,
            `${noTokenizer}, so tokens have no texts`
          ]
        }
      : description;
    this.routers = found.routers;
    this.plan = plan;
    this.tokenizer = tokenizer;
    this.noTokenizer = noTokenizer;
    this.hasBrokenTokenizer = isBroken;
    this.settings = settings;
    this.inputs = new ModelInputs(graph, config);
    this.logits = logitsOutput(onnx.proto.graph);
    this.session = session.session;
    this._limits = promptLimits(
      structure,
      running.tokenizer,
      this.inputs.encoderDecoder
    );
    this._releases = [() => session.release()];
  }

  /** @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid prompt, or when the model was disposed */
  tokenize(prompt: Prompt, index: number = 0): TokenizedPrompt {
    this.checkUsable();
    return tokenizePrompt(prompt, index, this._limits);
  }

  tokens(ids: readonly number[]): Token[] {
    return tokensOf(this.tokenizer, ids);
  }

  /** Loads a graph derived from the model's own, with its weights. */
  load(graph: GraphProto): Promise<SharedSession> {
    return modelSession(Engine.shared(), this.onnx, graph, this.settings);
  }

  /** Called when the model is disposed. */
  onDispose(release: () => Promise<void>): void {
    this._releases.push(release);
  }

  /** @throws MoEDebuggerError 'input' when the model was disposed */
  checkUsable(): void {
    if (this._disposed) {
      throw new MoEDebuggerError(
        'input',
        `the model ${this.name} was disposed`,
        { hint: 'load it again with loadModel' }
      );
    }
  }

  /** Frees the model's memory; it cannot be run afterwards. Can be called repeatedly. */
  async dispose(): Promise<void> {
    if (!this._disposed) {
      this._disposed = true;
      for (const release of this._releases) {
        await release();
      }
    }
  }
}

export namespace LoadedModel {
  export interface IOptions {
    tokenizer: FoundTokenizer;
    settings: SessionOptions;
    /** The outputs that `session` captures. */
    plan: CapturePlan;
    session: SharedSession;
  }
}

/** Represents a loaded model, as `MoEModel` does. */
export interface ModelHandle {
  readonly name: string;
  /** @internal what analyses run */
  readonly loaded: LoadedModel;
}
