import { probedSession } from '../../run/edits/edited-sessions';
import { chainMoE } from '../../../test/chain-moe';
import { tinyMoE, type TinyOptions } from '../../../test/tiny-moe';
import { GraphBuilder } from '../../../test/graph-builder';
import { recordActivations } from '../../run/activations/record-activations';
import { loadModel, type MoEModel, type PatchOptions } from '../..';

const CLEAN = [3, 1, 4, 1, 5];
const CORRUPTED = [3, 9, 4, 1, 5];
const TARGET = { kind: 'logit', token: 9 } as const;

async function withModel(
  options: TinyOptions | GraphBuilder,
  work: (model: MoEModel) => Promise<void>
): Promise<void> {
  const builder = options instanceof GraphBuilder ? options : tinyMoE(options);
  const model = await loadModel(builder.save());
  try {
    await work(model);
  } finally {
    await model.dispose();
  }
}

async function logitOf(
  model: Pick<MoEModel, 'trace'>,
  ids: number[],
  token: number = TARGET.token
): Promise<number> {
  const trace = await model.trace(ids, { logits: 'last' });
  return [...trace.outputLogits.values()][0].data[token];
}

async function effectsOf(
  model: MoEModel,
  nodes: string[],
  options: PatchOptions = { target: TARGET },
  corrupted: number[] = CORRUPTED,
  clean: number[] = CLEAN
): Promise<number[]> {
  const found = await model.patch(
    clean,
    corrupted,
    nodes.map(node => ({ node })),
    options
  );
  return found.map(({ effect }) => effect);
}

/** All experts selected, so that the target is continuous. */
const SMOOTH: TinyOptions = { norms: false, topK: 8, seed: 7 };

describe('activation patching', () => {
  const everything = ['embedding', 'layer 0 residual', 'layer 1 residual'];

  it('of the whole stream yields the result of the other prompt', () =>
    withModel({ norms: true, seed: 3 }, async model => {
      const change =
        (await logitOf(model, CORRUPTED)) - (await logitOf(model, CLEAN));
      for (const [direction, sign] of [
        ['noising', 1],
        ['denoising', -1]
      ] as const) {
        const effects = await effectsOf(model, everything, {
          target: TARGET,
          direction
        });
        effects.forEach(effect => expect(effect).toBeCloseTo(sign * change, 4));
      }
      const difference = await effectsOf(model, ['layer 1 residual'], {
        target: { kind: 'logit-difference', token: 9, against: 4 }
      });
      expect(difference[0]).toBeCloseTo(
        change -
          ((await logitOf(model, CORRUPTED, 4)) -
            (await logitOf(model, CLEAN, 4))),
        4
      );
    }));

  it('with the own activations changes nothing, bit for bit', () =>
    withModel({ norms: true, seed: 3 }, async model => {
      const { nodes } = await model.attributionPatching(CLEAN, CORRUPTED, {
        target: TARGET
      });
      const ids = nodes.map(({ id }) => id).filter(id => id !== 'logits');
      expect(ids).toHaveLength(1 + 2 * (1 + 1 + 1 + 8 + 1));
      expect(await effectsOf(model, ids, { target: TARGET }, CLEAN)).toEqual(
        ids.map(() => 0)
      );
    }));

  it('of a router that is the target reaches it through what is upstream', () =>
    withModel({ norms: true, seed: 3 }, async model => {
      const logits = async (ids: number[]): Promise<Float32Array> =>
        (await model.trace(ids)).samples[0].layers[1].logits;
      const at = 2 * 8 + 6;
      const change = (await logits(CORRUPTED))[at] - (await logits(CLEAN))[at];
      const effects = await effectsOf(model, everything.slice(0, 2), {
        target: { kind: 'router', layer: 1, expert: 6 },
        position: 2
      });
      effects.forEach(effect => expect(effect).toBeCloseTo(change, 4));
    }));

  it('finds the planted causes', () =>
    withModel(chainMoE(), async model => {
      // At the last token mark 0 is written by expert 0 of layer 0, mark 1 by expert 1 of layer 1, mark 2 by expert 0 of
      // layer 2; without any of them the logit of token 3 is 0, not 1.
      const breaks = [
        'embedding',
        'layer 0 residual',
        'layer 0 router',
        'layer 0 experts',
        'layer 0 expert 0',
        'layer 1 router',
        'layer 1 expert 1',
        'layer 2 router',
        'layer 2 expert 0',
        'layer 3 residual'
      ];
      const keeps = [
        'layer 0 expert 1',
        'layer 0 attention',
        'layer 1 expert 0',
        'layer 2 expert 1',
        'layer 3 router',
        'layer 3 experts'
      ];
      const effects = await effectsOf(
        model,
        [...breaks, ...keeps],
        { target: { kind: 'logit', token: 3 } },
        [1, 2, 2],
        [1, 2, 1]
      );
      effects.forEach((effect, i) =>
        expect(effect).toBeCloseTo(i < breaks.length ? -1 : 0, 5)
      );
      const cells = await model.patch(
        [1, 2, 1],
        [1, 2, 2],
        [0, 1, 2].map(position => ({ node: 'layer 1 expert 1', position })),
        { target: { kind: 'logit', token: 3 } }
      );
      [0, 0, -1].forEach((effect, i) =>
        expect(cells[i].effect).toBeCloseTo(effect, 5)
      );
    }));

  it('does not depend on the batch size', () =>
    withModel({ norms: true, seed: 3 }, async model => {
      const ids = ['layer 0 expert 2', 'layer 1 attention', 'embedding'];
      const together = await effectsOf(model, ids);
      const alone = await effectsOf(model, ids, {
        target: TARGET,
        batchSize: 1
      });
      together.forEach((effect, i) => expect(effect).toBeCloseTo(alone[i], 4));
    }));
});

describe('attribution patching', () => {
  it('is exact where the target depends on a node linearly', () =>
    withModel(SMOOTH, async model => {
      // Without a final norm the logits are linear in the last layer's output.
      const found = await model.attributionPatching(CLEAN, CORRUPTED, {
        target: TARGET,
        measure: 1000
      });
      const last = found.nodes.filter(
        ({ layer, kind }) =>
          layer === 1 &&
          (kind === 'expert' || kind === 'moe' || kind === 'residual')
      );
      expect(last).toHaveLength(10);
      for (const { effect, patched } of last) {
        expect(effect).toBeCloseTo(patched!, 3);
      }
      expect(found.correlation!.cells!.n).toBeGreaterThan(100);
    }));

  it('supports differences of logits', () =>
    withModel(SMOOTH, async model => {
      const [of9, of4, difference] = await Promise.all(
        [
          TARGET,
          { kind: 'logit' as const, token: 4 },
          { kind: 'logit-difference' as const, token: 9, against: 4 }
        ].map(async target => {
          const { nodes } = await model.attributionPatching(CLEAN, CORRUPTED, {
            target,
            measure: 0
          });
          return nodes.flatMap(({ effects }) => effects ?? []);
        })
      );
      difference.forEach((effect, i) =>
        expect(effect).toBeCloseTo(of9[i]! - of4[i]!, 3)
      );
    }));

  it('is the slope of the target along the patch', () =>
    withModel(SMOOTH, async model => {
      const found = await model.attributionPatching(CLEAN, CORRUPTED, {
        target: TARGET,
        measure: 0
      });
      const node = found.nodes.find(({ id }) => id === 'layer 0 residual')!;
      const { loaded: parts } = model;
      const [clean, corrupted] = await Promise.all(
        [CLEAN, CORRUPTED].map(async ids => {
          const run = await probedSession(parts).resolve({}).run();
          const { residual } = await recordActivations(
            parts,
            run,
            parts.tokenize(ids),
            { residual: true }
          );
          return residual[0].values;
        })
      );
      const width = clean.length / CLEAN.length;
      // Every token of the corrupted stream differs: its attention sees all of them.
      const slopes = await Promise.all(
        CLEAN.map(async (_, position) => {
          const vector = clean
            .map((x, i) => corrupted[i] - x)
            .subarray(position * width, (position + 1) * width);
          const step = 0.01;
          const [up, down] = await Promise.all(
            [step, -step].map(scale =>
              logitOf(
                model.with({
                  steer: [
                    {
                      layer: 0,
                      vector,
                      scale,
                      tokens: [position, position + 1]
                    }
                  ]
                }),
                CLEAN
              )
            )
          );
          return (up - down) / (2 * step);
        })
      );
      const largest = Math.max(...slopes.map(Math.abs));
      expect(largest).toBeGreaterThan(1);
      slopes.forEach((slope, position) =>
        expect(
          Math.abs(node.effects![position]! - slope) / largest
        ).toBeLessThan(0.02)
      );
    }));

  it('adds up to the whole change with gradients along the path', () =>
    withModel(SMOOTH, async model => {
      const change =
        (await logitOf(model, CORRUPTED)) - (await logitOf(model, CLEAN));
      const { nodes } = await model.attributionPatching(CLEAN, CORRUPTED, {
        target: TARGET,
        steps: 64,
        measure: 0
      });
      const { effect } = nodes.find(({ id }) => id === 'embedding')!;
      expect(effect! / change).toBeCloseTo(1, 2);
    }));
});

describe('corrupted inputs of patching', () => {
  it('can be a prompt without embeddings', () =>
    withModel({ norms: false, seed: 5 }, async model => {
      const found = await model.attributionPatching(
        CLEAN,
        { embeddings: 'zero' },
        { target: TARGET }
      );
      // Zero embeddings stay zero: without biases all logits are 0.
      expect(found.data.values.corrupted).toBeCloseTo(0, 5);
      expect(found.data.values.clean).toBeCloseTo(
        await logitOf(model, CLEAN),
        4
      );
      const [{ effect }] = await model.patch(
        CLEAN,
        { embeddings: 'zero' },
        [{ node: 'layer 1 residual' }],
        { target: TARGET, direction: 'denoising' }
      );
      expect(effect).toBeCloseTo(await logitOf(model, CLEAN), 4);
    }));

  it('are rejected where invalid, before anything runs', () =>
    withModel({ norms: true, seed: 3 }, async model => {
      const cases: [() => Promise<unknown>, RegExp][] = [
        [() => model.circuit(CLEAN, [1, 2]), /5 tokens.*one 2/],
        [() => model.circuit(CLEAN, CORRUPTED, { steps: 0 }), /steps/],
        [() => model.circuit(CLEAN, CORRUPTED, { size: 1.5 }), /size/],
        [
          () => model.circuit(CLEAN, CORRUPTED, { threshold: NaN }),
          /threshold/
        ],
        [() => model.circuit(CLEAN, CORRUPTED, { position: 5 }), /no token 5/],
        [
          () =>
            model.circuit(CLEAN, CORRUPTED, {
              target: { kind: 'router', layer: 7, expert: 0 }
            }),
          /layer 7/
        ],
        [
          () =>
            model.circuit(CLEAN, CLEAN, {
              target: { kind: 'logit-difference' }
            }),
          /same top token.*next likeliest.* is \d+/
        ],
        [
          () =>
            model.circuit(
              CLEAN,
              { embeddings: 'zero' },
              { target: { kind: 'logit-difference' } }
            ),
          /needs a second token.*against/
        ],
        [
          () =>
            model.circuit(CLEAN, CORRUPTED, {
              target: { kind: 'logit-difference', token: 3, against: 3 }
            }),
          /logit of 3 minus itself/
        ],
        [
          () =>
            model.circuit(CLEAN, CORRUPTED, {
              target: 'logit-difference' as never
            }),
          /target cannot be "logit-difference"/
        ],
        [
          () =>
            model.attribute(CLEAN, {
              target: { kind: 'logit-difference' } as never
            }),
          /no target of kind "logit-difference" here.*circuits and patches/
        ],
        [
          () => model.patch(CLEAN, CORRUPTED, [{ node: 'layer 0 head 9' }]),
          /no node "layer 0 head 9"/
        ],
        [
          () =>
            model.patch(CLEAN, CORRUPTED, [{ node: 'embedding', position: 5 }]),
          /no token 5/
        ]
      ];
      for (const [refused, message] of cases) {
        await expect(refused()).rejects.toMatchObject({
          code: 'input',
          message: expect.stringMatching(message)
        });
      }
      await expect(
        model.circuit(CLEAN, CORRUPTED, { memoryLimit: 1000 })
      ).rejects.toMatchObject({
        code: 'gradient',
        message: expect.stringMatching(/5 tokens take about \d+ MB/)
      });
    }));

  it('a node that computes NaN is named', () =>
    // Its norm divides zero by zero.
    withModel({ norms: true, seed: 3 }, async model => {
      await expect(
        model.circuit(CLEAN, { embeddings: 'zero' }, { target: TARGET })
      ).rejects.toMatchObject({
        code: 'gradient',
        message: expect.stringMatching(/\(Div\)/)
      });
    }));

  it('report progress, and can be cancelled', () =>
    withModel({ norms: true, seed: 3 }, async model => {
      const seen: [number, number][] = [];
      await model.circuit(CLEAN, CORRUPTED, {
        onProgress: ({ done, total }) => seen.push([done, total])
      });
      expect(seen.at(-1)![0]).toBe(seen.at(-1)![1]);
      expect(seen.every(([done, total]) => done <= total)).toBe(true);
      const stop = new AbortController();
      await expect(
        model.circuit(CLEAN, CORRUPTED, {
          signal: stop.signal,
          onProgress: ({ done }) => done === 3 && stop.abort()
        })
      ).rejects.toMatchObject({ code: 'cancelled' });
    }));
});
