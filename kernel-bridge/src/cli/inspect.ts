import { formatDescription } from '../model/description';
import { inspectModel } from '../model/load-model';
import { write, writeJson } from './output';

export async function inspect(
  model: string,
  options: { json?: boolean }
): Promise<void> {
  const description = inspectModel(model);
  await (options.json
    ? writeJson(description)
    : write(`${formatDescription(description)}\n`));
}
