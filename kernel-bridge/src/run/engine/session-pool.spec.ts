import { copyFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/graph-builder';
import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import { Engine } from './engine';

describe('sessions of the same graph', () => {
  it('are shared until the last user releases them', async () => {
    const folder = tinyMoE().save();
    const create = jest.spyOn(Engine.prototype, 'createSession');
    const first = await loadModel(folder);
    const second = await loadModel(folder);
    expect(create).toHaveBeenCalledTimes(1);

    await first.dispose();
    await first.dispose();
    const trace = await second.trace([1, 2, 3]);
    expect(trace.coverage.tokens).toBe(3);
    await expect(first.trace([1])).rejects.toMatchObject({ code: 'input' });

    await second.dispose();
    const third = await loadModel(folder);
    expect(create).toHaveBeenCalledTimes(2);
    await third.dispose();
    create.mockRestore();
  });

  it('are not shared after the file was rewritten', async () => {
    const folder = tinyMoE({ seed: 2 }).save();
    const create = jest.spyOn(Engine.prototype, 'createSession');
    const first = await loadModel(folder);
    const copy = join(temporaryFolder(), 'copy.onnx');
    copyFileSync(join(folder, 'model.onnx'), copy);
    copyFileSync(copy, join(folder, 'model.onnx'));
    utimesSync(join(folder, 'model.onnx'), 1, 1);
    const second = await loadModel(folder);
    expect(create).toHaveBeenCalledTimes(2);
    await first.dispose();
    await second.dispose();
    create.mockRestore();
  });
});
