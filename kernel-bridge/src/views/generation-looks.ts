/** Displays a generation in a cell as the heatmap of its trace. Importing this module adds it to every generation. */
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { Generation } from '../run/generation/generation';
import { resultForms, saveResult } from '../show/save-result';
import { viewBundle } from '../show/view-bundle';
import { addLooks } from './add-looks';

export interface GenerationLooks extends Displayable {
  /**
   * Writes the generation with its trace to a file atomically: .json.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void>;
}

declare module '../run/generation/generation' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface Generation extends GenerationLooks {}
}

const LOOKS: GenerationLooks & ThisType<Generation> = {
  save(file) {
    return saveResult(file, resultForms(this));
  },

  [MIMEBUNDLE](): Promise<JsonObject> {
    const { model, samples, coverage } = this.trace;
    return viewBundle(
      { view: 'explorer', model, samples, coverage },
      this.toString()
    );
  }
};

addLooks(Generation.prototype, LOOKS);
