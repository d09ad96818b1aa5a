/** Attention of every model that runs here: as many layers and heads as its config says, and PyTorch's own numbers. */
import { gradientsOf } from '../src/run/gradients/gradients-of';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadModel } from '../src';
import { toFloat32 } from '../src/run/engine/tensor-values';
import { wholeSequence } from '../src/run/model/inputs';
import { attentionOf } from '../src/analyses/attention/model-attention';
import { AttentionRuns } from '../src/analyses/attention/run-attention';
import type { Attention } from '../src/analyses/attention/attention';
import type { MoEModel } from '../src/api/moe-model';
import { largestDifference } from './edit-truth';
import { readSafetensors } from './safetensors';
import { DEMO, describeEach, readTruth, withZoo, zooModels } from './zoo';

interface Config {
  num_hidden_layers?: number;
  num_layers?: number;
  num_decoder_layers?: number;
  num_attention_heads?: number;
  num_heads?: number;
  num_key_value_heads?: number;
  head_dim?: number;
  v_head_dim?: number;
  hidden_size?: number;
  d_kv?: number;
}

/** Needs a graphics card. */
const NOT_RUN = /-cuda$/;

/** What a config promises, in the order in which the graph computes it. */
function expected(
  config: Config
): Pick<
  Attention,
  'layer' | 'stack' | 'kind' | 'heads' | 'keyValueHeads' | 'width'
>[] {
  const heads = config.num_attention_heads ?? config.num_heads!;
  const sizes = {
    heads,
    keyValueHeads: config.num_key_value_heads ?? heads,
    width:
      config.v_head_dim ??
      config.head_dim ??
      config.d_kv ??
      (config.hidden_size ?? 64) / heads
  };
  const layers = (count: number): number[] => [...Array(count).keys()];
  return config.num_decoder_layers === undefined
    ? layers(config.num_hidden_layers!).map(layer => ({
        layer,
        kind: 'self',
        ...sizes
      }))
    : [
        ...layers(config.num_layers!).map(layer => ({
          layer,
          stack: 'encoder' as const,
          kind: 'self' as const,
          ...sizes
        })),
        ...layers(config.num_decoder_layers).flatMap(layer =>
          (['self', 'cross'] as const).map(kind => ({
            layer,
            stack: 'decoder' as const,
            kind,
            ...sizes
          }))
        )
      ];
}

async function runsOf(model: MoEModel): Promise<AttentionRuns> {
  return AttentionRuns.of(model.loaded);
}

const models = [
  DEMO,
  ...zooModels().filter(
    folder => !NOT_RUN.test(folder) && basename(folder) !== 'demo'
  )
];

describeEach(models, 'attention of $name', ({ name, folder }) => {
  let model: MoEModel;
  let runs: AttentionRuns;

  beforeAll(async () => {
    model = await loadModel(folder);
    runs = await runsOf(model);
  }, 60_000);
  afterAll(() => model.dispose());

  it('has the layers and heads of its config', () => {
    const config = JSON.parse(
      readFileSync(join(folder, 'config.json'), 'utf8')
    ) as Config;
    expect(runs.found.unknown).toEqual([]);
    expect(
      runs.found.attention.map(
        ({ layer, stack, kind, heads, keyValueHeads, width }) => ({
          layer,
          ...(stack ? { stack } : {}),
          kind,
          heads,
          keyValueHeads,
          width
        })
      )
    ).toEqual(expected(config));
    expect(runs.found.attention.every(own => own.output)).toBe(true);
  });

  it('sums to 1 over the keys, none of which lies ahead of its query', async () => {
    const ids = [3, 1, 4, 1, 5, 9, 2, 6];
    const tokens = ids.length;
    const encoder = runs.found.attention.some(({ stack }) => stack);
    const { probabilities } = await runs.run(
      { ids, ...(encoder ? { decoderIds: ids } : {}) },
      { probabilities: true }
    );
    runs.found.attention.forEach(({ heads, stack, kind, sinks }, i) => {
      const own = probabilities[i];
      expect(own).toHaveLength(heads * tokens * tokens);
      for (let row = 0; row < heads * tokens; row++) {
        const query = row % tokens;
        const values = own.subarray(row * tokens, (row + 1) * tokens);
        if (values.some(Number.isNaN)) {
          // One of the planted defects: numbers that are none.
          expect(name).toMatch(/defect-nan/);
          continue;
        }
        const sum = values.reduce((all, p) => all + p, 0);
        if (sinks) {
          expect(sum).toBeGreaterThan(0);
          expect(sum).toBeLessThan(1);
        } else {
          expect(sum).toBeCloseTo(1, 4);
        }
        const ahead = values.subarray(query + 1).reduce((a, p) => a + p, 0);
        if (stack !== 'encoder' && kind === 'self') {
          expect(ahead).toBe(0);
        } else if (query === 0) {
          expect(ahead).toBeGreaterThan(0);
        }
      }
    });
  });

  it('leaves the logits as they are, unless a head is taken away', async () => {
    const ids = [3, 1, 4, 1, 5, 9, 2, 6];
    const encoder = runs.found.attention.some(({ stack }) => stack);
    const sequence = { ids, ...(encoder ? { decoderIds: ids } : {}) };
    const { session, inputs, logits: output } = model.loaded;
    const { outputs } = await session.run(
      inputs.feeds(wholeSequence(sequence)),
      [output]
    );
    const own = toFloat32(outputs[output]);
    const { logits } = await runs.run(sequence, { logits: true });
    if (own.some(Number.isNaN)) {
      expect(name).toMatch(/defect-nan/);
      return;
    }
    expect(largestDifference(logits!, own)).toBeLessThan(1e-4);
    for (let at = 0; at < runs.found.attention.length; at++) {
      const without = await runs.run(sequence, {
        logits: true,
        without: [{ attention: at, head: 1 }]
      });
      // Of other experts that are chosen then, one may be broken.
      expect(largestDifference(without.logits!, own)).not.toBeLessThan(1e-4);
    }
  });
});

withZoo(
  'induction-dynamo',
  'attention that was recorded of the original',
  folder => {
    it('is what the graph gives', async () => {
      const model = await loadModel(folder);
      const runs = await runsOf(model);
      const recorded = readSafetensors(join(folder, 'truth.safetensors'));
      for (const [i, { ids }] of readTruth(folder).prompts.entries()) {
        const { probabilities } = await runs.run(
          { ids },
          { probabilities: true }
        );
        runs.found.attention.forEach(({ layer }, at) => {
          expect(
            largestDifference(
              probabilities[at],
              recorded.get(`p${i}/attention/l${layer}`)!.data as Float32Array
            )
          ).toBeLessThan(1e-5);
        });
      }
      expect(attentionOf(await gradientsOf(model.loaded).prepare())).toBe(
        runs.found
      );
      await model.dispose();
    });
  }
);

/** Models that have the same weights in several forms, by the logits that were recorded of them. */
function sameWeights(): string[][] {
  const groups: { logits: Float32Array; ids: string; folders: string[] }[] = [];
  for (const folder of zooModels().filter(own => !NOT_RUN.test(own))) {
    const [{ ids, logits }] = readTruth(folder).prompts;
    const known = groups.find(
      group =>
        group.ids === ids.join() &&
        largestDifference(group.logits, logits) < 1e-4
    );
    if (known) {
      known.folders.push(folder);
    } else {
      groups.push({ logits, ids: ids.join(), folders: [folder] });
    }
  }
  return groups
    .map(({ folders }) => folders)
    .filter(folders => folders.length > 1);
}

describeEach(
  sameWeights().map(([first]) => first),
  'attention of $name',
  ({ folder }) => {
    it('is the same in every form that its weights were exported in', async () => {
      // Longer than the window of those that have one.
      const ids = Array.from({ length: 20 }, (_, i) => 3 + ((7 * i) % 40));
      const forms = sameWeights().find(([first]) => first === folder)!;
      const found: Float32Array[][] = [];
      for (const own of forms) {
        const model = await loadModel(own);
        const runs = await runsOf(model);
        const encoder = runs.found.attention.some(({ stack }) => stack);
        const { probabilities } = await runs.run(
          { ids, ...(encoder ? { decoderIds: ids } : {}) },
          { probabilities: true }
        );
        found.push(probabilities);
        await model.dispose();
      }
      expect(found.length).toBeGreaterThan(1);
      for (const other of found.slice(1)) {
        expect(other).toHaveLength(found[0].length);
        other.forEach((own, i) =>
          expect(largestDifference(own, found[0][i])).toBeLessThan(1e-5)
        );
      }
    }, 60_000);
  }
);
