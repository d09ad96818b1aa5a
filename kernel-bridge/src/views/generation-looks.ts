/** Displays a generation in a cell as the heatmap of its trace. Importing this module adds it to every generation. */
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { Generation } from '../run/generation/generation';
import { viewBundle } from '../show/view-bundle';
import { addLooks } from './add-looks';

declare module '../run/generation/generation' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface Generation extends Displayable {}
}

const LOOKS: Displayable & ThisType<Generation> = {
  [MIMEBUNDLE](): Promise<JsonObject> {
    const { model, samples, coverage } = this.trace;
    return viewBundle(
      { view: 'explorer', model, samples, coverage },
      this.toString()
    );
  }
};

addLooks(Generation.prototype, LOOKS);
