import { formatDescription } from '../../run/model/description';
import { inspectModel } from '../../run/model/structure';
import { localModel } from './local-model';
import { write, writeJson } from './output';

export async function inspect(
  model: string,
  options: { json?: boolean }
): Promise<void> {
  const description = inspectModel(await localModel(model));
  await (options.json
    ? writeJson(description)
    : write(`${formatDescription(description)}\n`));
}
