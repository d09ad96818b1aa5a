/**
 * Every model with recorded truth routes here as it did in PyTorch. The truth was recorded by hooks on the original
 * modules, never from an ONNX graph.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inspectModel, loadModel, type MoELayerCard } from '../src';
import { Tokenizer } from '../src/run/model/tokenizer';
import { modelsPage, type ModelReport } from './models-page';
import { expectPage } from './page';
import { compareWithTruth } from './truth';
import { DEMO, largerZoo, itWithZoo, readTruth, zooModels } from './zoo';

/** The zoo has a copy of the demo model. */
const zoo = zooModels().filter(folder => basename(folder) !== 'demo');
/** Models whose operators onnxruntime has no CPU kernel for: described in full, and refused by name when run. */
const NOT_RUNNABLE: Record<string, RegExp> = {
  'mixtral-hf-ort-cuda':
    /MoE node.*FC3 is not implemented for CPU.*no CPU kernel for/
};

const reports = new Map<string, ModelReport>();

describe.each(
  [DEMO, ...zoo].map(folder => ({ name: basename(folder), folder }))
)('$name', ({ name, folder }) => {
  const truth = readTruth(folder);

  it('is described as the original program is built', () => {
    const { layers } = inspectModel(folder);
    const cards = layers.filter(card => card.moe === true);
    reports.set(name, {
      truth,
      patterns: [...new Set(cards.map(({ router }) => router.pattern))]
    });
    expect(
      cards.map(({ layer, stack, experts, topK }) => ({
        layer,
        stack,
        experts,
        topK
      }))
    ).toEqual(
      truth.layers.map(({ module, experts, k }) => ({
        ...placeOf(module),
        experts,
        topK: k
      }))
    );
    for (const card of cards) {
      expect(card).toMatchObject(conventionOf(folder));
    }
  });

  const tokenizer = Tokenizer.load(folder);
  (tokenizer ? it : it.skip)(
    'splits the recorded texts into the recorded tokens (needs a tokenizer)',
    () => {
      const prompts = truth.prompts.map(({ text, ids }) =>
        tokenizer!.encode(text).slice(0, ids.length)
      );
      expect(prompts).toEqual(truth.prompts.map(({ ids }) => ids));
    }
  );

  if (name in NOT_RUNNABLE) {
    it('is refused with the reason when it is run', async () => {
      const model = await loadModel(folder);
      await expect(compareWithTruth(model, truth)).rejects.toMatchObject({
        name: 'MoEDebuggerError',
        message: expect.stringMatching(NOT_RUNNABLE[name]) as string
      });
      await model.dispose();
      reports.get(name)!.refusal = 'no CPU kernel: described only';
    });
    return;
  }

  it.each(['all', 'disabled'] as const)(
    'routes as recorded (graph optimisation: %s)',
    async graphOptimization => {
      const model = await loadModel(folder, { graphOptimization });
      try {
        const differences = await compareWithTruth(model, truth);
        reports.get(name)![graphOptimization] = differences;
        expect(differences.selection).toEqual([]);
        expect(differences.routerLogits).toBeLessThanOrEqual(1e-3);
        expect(differences.weights).toBeLessThanOrEqual(1e-4);
        expect(differences.outputLogits).toBeLessThanOrEqual(1e-3);
        expect(differences.rows).toBe(
          truth.prompts.reduce((sum, { ids }) => sum + ids.length, 0) *
            truth.layers.length
        );
      } finally {
        await model.dispose();
      }
    },
    60_000
  );
});

itWithZoo(largerZoo().length > 0, 'docs/models.md is up to date', () =>
  expectPage('models.md', modelsPage([...reports.values()]))
);

/** "encoder.block.1.layer.1.mlp.router" is in layer 1 of the encoder. */
function placeOf(module: string): Pick<MoELayerCard, 'layer' | 'stack'> {
  const stack = /^(encoder|decoder)\./.exec(module)?.[1];
  return {
    layer: Number(/\.(\d+)\./.exec(module)![1]),
    stack: stack as MoELayerCard['stack']
  };
}

/** What config.json says of the routing, in the words of a layer's card. */
function conventionOf(folder: string): Partial<MoELayerCard> {
  const config = JSON.parse(
    readFileSync(join(folder, 'config.json'), 'utf8')
  ) as {
    norm_topk_prob?: boolean;
    routed_scaling_factor?: number;
    n_group?: number;
    topk_group?: number;
    n_shared_experts?: number;
    shared_expert_intermediate_size?: number;
  };
  const shared =
    config.n_shared_experts ??
    (config.shared_expert_intermediate_size ? 1 : undefined);
  return {
    ...(config.norm_topk_prob === undefined
      ? {}
      : { renormalized: config.norm_topk_prob }),
    ...(config.routed_scaling_factor === undefined
      ? {}
      : { scale: expect.closeTo(config.routed_scaling_factor, 5) as number }),
    ...(config.n_group === undefined
      ? {}
      : {
          groups: expect.objectContaining({
            count: config.n_group,
            selected: config.topk_group
          }) as MoELayerCard['groups']
        }),
    ...(shared === undefined ? {} : { sharedExperts: shared })
  };
}
