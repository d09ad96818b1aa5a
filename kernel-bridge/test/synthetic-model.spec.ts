/** The models that the benches are run on are models: found, captured and run. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { inspectModel, loadModel } from '../src';
import { temporaryFolder } from './temporary';

const GENERATOR = join(__dirname, '../bench/models/synthetic-model.mjs');

/** Writes one with the generator's command line, since jest does not load ES modules. */
function write(...options: string[]): {
  folder: string;
  nodes: number;
  bytes: number;
} {
  const folder = temporaryFolder();
  const output = execFileSync(
    process.execPath,
    [GENERATOR, folder, ...options],
    { encoding: 'utf8' }
  );
  return {
    folder,
    ...(JSON.parse(output) as { nodes: number; bytes: number })
  };
}

describe('a loop over experts, unrolled as Optimum writes it', () => {
  it('runs with a cache of no tokens', async () => {
    const model = await loadModel(write().folder);
    const trace = await model.trace([1, 2, 3, 4, 5]);
    expect(trace.coverage).toEqual({
      moeLayers: 2,
      layersCaptured: 2,
      tokens: 5,
      slots: 20
    });
    await model.dispose();
  });

  it('is found with as many experts as models have', () => {
    const { folder, nodes } = write(
      '--layers',
      '3',
      '--experts',
      '128',
      '--topK',
      '8'
    );
    expect(nodes).toBeGreaterThan(3 * 128 * 20);
    expect(inspectModel(folder).layers).toEqual(
      [0, 1, 2].map(layer =>
        expect.objectContaining({
          layer,
          experts: 128,
          topK: 8,
          renormalized: true,
          sharedExperts: 0
        })
      )
    );
  });

  it('is described without its weights, which here are a hole of two gigabytes', () => {
    const { folder, bytes } = write(
      '--sparse',
      '--layers',
      '2',
      '--hidden',
      '4096',
      '--intermediate',
      '16384'
    );
    expect(bytes).toBeGreaterThan(2 ** 31);
    const weights = statSync(join(folder, 'model.onnx.data'));
    expect(weights.size).toBe(bytes);
    // Counted in blocks of 512 bytes.
    expect(weights.blocks * 512).toBeLessThan(1e6);
    const { model, layers } = inspectModel(folder);
    expect(layers).toHaveLength(2);
    expect(model.bytes).toBeGreaterThan(bytes);
  });
});
