/** The gradients of a model that has been loaded: its graph is differentiated when somebody asks, not before. */
import { createRequire } from 'node:module';
import type * as Gradients from './model-gradients';

// Programs that trace only never pay for what differentiates.
const load = createRequire(__filename);

export class LazyGradients {
  private _made?: Gradients.ModelGradients;

  constructor(private readonly _source: Gradients.GradientSource) {}

  get(): Gradients.ModelGradients {
    const { ModelGradients } = load('./model-gradients') as typeof Gradients;
    return (this._made ??= new ModelGradients(this._source));
  }

  /** Gives all sessions back. Can be called twice. */
  async release(): Promise<void> {
    const made = this._made;
    this._made = undefined;
    await made?.release();
  }
}
