/** What holds of every counterfactual of a causal decoder, whatever the model: checked on real ones. */
import { basename } from 'node:path';
import {
  loadModel,
  type MoEDebuggerError,
  type MoELayerCard,
  type MoEModel
} from '../src';
import type {
  CausalGraph,
  Effect
} from '../src/analyses/counterfactual/causal-graph';
import type { Counterfactual } from '../src/analyses/counterfactual/counterfactual';
import { runCounterfactual } from '../src/analyses/counterfactual/run-counterfactual';
import { DEMO, readTruth, zooModels } from './zoo';

/** Described, and refused when run: there is no CPU kernel for it. */
const NOT_RUNNABLE = 'mixtral-hf-ort-cuda';
const zoo = zooModels().filter(
  folder =>
    basename(folder) !== 'demo' &&
    basename(folder) !== NOT_RUNNABLE &&
    // Encoders look both ways.
    !readTruth(folder).layers.some(({ module }) => module.startsWith('encoder'))
);

describe.each(
  [DEMO, ...zoo].map(folder => ({ name: basename(folder), folder }))
)('a counterfactual of $name', ({ folder }) => {
  const [{ ids, routers }] = readTruth(folder).prompts;
  const middle = Math.floor(ids.length / 2);
  /** In PyTorch's own record: the expert of the first router that a later token took first, and who took it. */
  const [{ selected }] = routers;
  const k = selected.length / ids.length;
  const expert = selected[middle * k];
  const takers = [...ids.keys()].filter(
    t => t >= middle && selected.subarray(t * k, (t + 1) * k).includes(expert)
  );
  let model: MoEModel;
  let result: Counterfactual;

  beforeAll(async () => {
    model = await loadModel(folder);
    const { layer } = model.layers.find(({ moe }) => moe)!;
    result = await runCounterfactual(
      model.loaded,
      ids,
      { ablate: [{ layer, expert, tokens: [middle] }] },
      { maxRuns: 0 }
    );
  });

  afterAll(() => model.dispose());

  it('changes nothing before its first token', () => {
    const [{ layers, output }] = result.diff.samples;
    for (let t = 0; t < middle; t++) {
      layers.forEach(layer => expect(layer.changed(t)).toBe(false));
      if (Number.isFinite(output[t].kl)) {
        expect(output[t].kl).toBeLessThan(1e-6);
      }
    }
  });

  it('changes its own router where tokens took the expert, and there only', () => {
    const [{ layers }] = result.diff.samples;
    const changed = ids.map((_, t) => t).filter(t => layers[0].changed(t));
    const left = changed.filter(t => layers[0].at(t).left.includes(expert));
    const finite = routers[0].logits.every(Number.isFinite);
    expect(left).toEqual(finite ? takers : changed);
    // A masked expert lowers the score of its group, which tokens that took others can leave then.
    const card = model.layers.find(layer => layer.moe) as MoELayerCard;
    if (!card.groups) {
      expect(changed).toEqual(left);
    }
    expect(layers[0].identity.experts).toBeGreaterThan(expert);
  });

  it('has direct effects on the next router that are all there is, since nothing lies between', () => {
    const { graph } = result;
    if (graph.effects === 'total') {
      expect(graph.why).toMatch(
        /does not output|same tensors|capacity|read inside|held/
      );
      return;
    }
    const next = result.original.samples[0].layers[1];
    const edges = (effect: Effect) => positions(graph, effect, next.layer);
    expect(edges('direct')).toEqual(edges('total'));
  });
});

/** Sorted "expert +position -position" of the edit's effects on a layer. */
function positions(
  { edges, nodes }: CausalGraph,
  effect: Effect,
  layer: number
): string[] {
  return edges
    .filter(edge => edge.from === 'edit' && edge.effect === effect)
    .flatMap(({ to, entered, left }) => {
      const node = nodes.find(({ id }) => id === to)!;
      return node.kind === 'expert' && node.layer === layer
        ? [`${node.expert} +${entered!.join()} -${left!.join()}`]
        : [];
    })
    .sort();
}

describe('a counterfactual', () => {
  it('leaves earlier layers alone', async () => {
    const model = await loadModel(DEMO);
    const { diff } = await runCounterfactual(
      model.loaded,
      'Der Wald war still.',
      {
        ablate: [
          { layer: 3, expert: 0 },
          { layer: 3, expert: 1 }
        ]
      }
    );
    expect(diff.layers.slice(0, 3).map(({ changed }) => changed)).toEqual([
      0, 0, 0
    ]);
    expect(diff.layers[3].changed).toBeGreaterThan(0);
    await model.dispose();
  });

  it('is refused before it runs where the edit is', async () => {
    const model = await loadModel(DEMO);
    await expect(
      model.counterfactual('a', {
        ablate: [{ layer: 3, expert: 99 }]
      })
    ).rejects.toThrow(
      expect.objectContaining<Partial<MoEDebuggerError>>({ code: 'edit' })
    );
    await model.dispose();
  });
});
