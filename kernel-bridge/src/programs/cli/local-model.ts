/** A model's folder on disk; downloads it first if an id is given, with a progress line. */
import { fetchModel } from '../../run/model/hub';
import { isHubId } from '../../run/model/hub-names';
import { progress } from './output';

export async function localModel(model: string): Promise<string> {
  if (!isHubId(model)) {
    return model;
  }
  try {
    return await fetchModel(model, {
      onDownload: ({ file, received, total }) =>
        progress(
          `fetching ${file}: ${(received / 2 ** 20).toFixed(1)} of ${(total / 2 ** 20).toFixed(1)} MB`
        )
    });
  } finally {
    progress('');
  }
}
