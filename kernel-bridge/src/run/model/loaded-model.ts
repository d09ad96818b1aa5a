/** What a loaded model is made of. */
import type { EditedSession } from '../edits/edited-session';
import type { Session } from '../engine/engine';
import type { LazyGradients } from '../gradients/lazy-gradients';
import type { Graph } from '../../onnx/graph/graph';
import type { Head } from '../../analyses/lens/head';
import type { OnnxModel } from '../../onnx/file/model';
import type { Token } from '../../base/protocol';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import type { GrowingSession } from '../../analyses/sweep/growing-session';
import type { ModelConfig } from './config';
import type { ModelDescription } from './description';
import type { ModelInputs } from './inputs';
import type { Prompt, TokenizedPrompt } from './prompt';
import type { Tokenizer } from './tokenizer';

export interface ModelOptions {
  onnx: OnnxModel;
  graph: Graph;
  routers: readonly Router[];
  plan: CapturePlan;
  config: ModelConfig;
  description: ModelDescription;
  tokenizer: Tokenizer | undefined;
  session: Session;
  /** Gives the session back, which others may share. */
  release: () => Promise<void>;
  /** The session that takes edits, loaded at the first one. */
  edited: EditedSession;
  /** The same with fused experts in plain operators, which takes edits that these refuse. */
  rewritten: EditedSession;
  /** The same, which also hands out what flows between the blocks. */
  probed: EditedSession;
  /** Final norm and unembedding alone. */
  head: Head;
  /** The graph, differentiated. */
  gradients: LazyGradients;
  /** What sweeps run on. */
  growing: GrowingSession;
}

/** A model's parts, for analyses that run it in ways of their own. */
export interface ModelParts extends ModelOptions {
  inputs: ModelInputs;
  /** Name of the output that holds the logits. */
  logits: string;
  /** @throws MoEDebuggerError 'input' or 'tokenizer' for what does not fit, or when the model was disposed */
  tokenize(prompt: Prompt, index?: number): TokenizedPrompt;
  tokens(ids: readonly number[]): Token[];
}
