import type { Command } from 'commander';
import { inspectModel } from '../../src/run/model/structure';
import { localModel } from '../../src/programs/cli/local-model';
import { write, writeJson } from '../../src/programs/cli/output';

export function addLayersCommand(program: Command): void {
  program
    .command('layers')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description('print how many experts each layer has')
    .option('--json', 'print one JSON document')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { layers } = inspectModel(await localModel(path));
      const rows = layers.map(card => ({
        layer: card.layer,
        experts: card.moe ? card.experts : 0
      }));
      await (json
        ? writeJson({ schema: 'moe-debugger/layers@1', layers: rows })
        : write(rows.map(row => `${row.layer} ${row.experts}\n`).join('')));
    });
}
