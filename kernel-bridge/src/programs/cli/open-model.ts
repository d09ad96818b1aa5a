/** Loads a model for a command. */
import { loadModel, type LoadOptions } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { localModel } from './local-model';
import { remark } from './output';

/** Says on stderr what the model lacks that does not keep it from running on token ids. */
export async function openModel(
  path: string,
  options: LoadOptions = {}
): Promise<MoEModel> {
  const model = await loadModel(await localModel(path), options);
  const { hasBrokenTokenizer, noTokenizer } = model.loaded;
  if (hasBrokenTokenizer) {
    remark(
      `moe-debugger: warning: ${noTokenizer}: only token ids can be given, and tokens have no texts`
    );
  }
  return model;
}
