import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { contextLength, readConfig, readJson } from './config';
import { inspectModel } from '../../run/model/structure';

function modelWith(config: unknown): string {
  const folder = tinyMoE({ layers: 1 }).save();
  writeFileSync(
    join(folder, 'config.json'),
    typeof config === 'string' ? config : JSON.stringify(config)
  );
  return folder;
}

describe('config.json', () => {
  it('gives no warning if it agrees with the graph', () => {
    expect(
      inspectModel(modelWith({ num_local_experts: 8, num_experts_per_tok: 2 }))
        .warnings
    ).toEqual([]);
    expect(inspectModel(modelWith({})).warnings).toEqual([]);
  });

  it.each([
    [
      { num_local_experts: 16 },
      'config.json says 16 experts, the graph has 8: the graph is followed'
    ],
    [
      { n_routed_experts: 64 },
      'config.json says 64 experts, the graph has 8: the graph is followed'
    ],
    [
      { num_experts_per_tok: 4 },
      'config.json says 4 experts per token, the graph has 2: the graph is followed'
    ],
    [
      { text_config: { num_experts: 9 } },
      'config.json says 9 experts, the graph has 8: the graph is followed'
    ]
  ])('has lower precedence than the graph: %j', (config, warning) => {
    const { warnings, layers } = inspectModel(modelWith(config));
    expect(warnings).toEqual([warning]);
    expect(layers[0]).toMatchObject({ moe: true, experts: 8, topK: 2 });
  });

  it.each(['{', '[]', '"text"', 'null'])(
    'is rejected by name when it is %s',
    text => {
      const folder = modelWith(text);
      expect(() => inspectModel(folder)).toThrow(
        expect.objectContaining({
          code: 'model-invalid',
          where: join(folder, 'config.json')
        })
      );
    }
  );

  it('is optional', () => {
    expect(readJson(join(temporaryFolder(), 'config.json'))).toBeUndefined();
  });
});

describe('contextLength', () => {
  it.each([
    [{ max_position_embeddings: 512 }, 512],
    [{ n_positions: 1024 }, 1024],
    [
      {
        text_config: { max_position_embeddings: 77 },
        max_position_embeddings: 5
      },
      77
    ],
    [{ max_position_embeddings: 'many' }, undefined],
    [{ max_position_embeddings: -1 }, undefined],
    [{}, undefined]
  ])('of %j is %p', (config, length) => {
    expect(contextLength(readConfig(modelWith(config)))).toBe(length);
  });

  it("is also read from onnxruntime-genai's file", () => {
    const folder = modelWith({});
    writeFileSync(
      join(folder, 'genai_config.json'),
      '{"model": {"context_length": 333}}'
    );
    expect(contextLength(readConfig(folder))).toBe(333);
  });
});
