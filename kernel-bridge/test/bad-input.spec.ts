/** What users meet when something is wrong: a typed error that names it, and a model that still works afterwards. */
import {
  copyFileSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import {
  balanceLoad,
  compressionPlan,
  inspectModel,
  loadModel,
  MoEDebuggerError,
  TraceCancelled,
  type ErrorCode
} from '../src';
import { GraphBuilder, saveModel } from './graph-builder';
import { temporaryFolder } from './temporary';
import { readSafetensors } from './safetensors';
import { tinyMoE } from './tiny-moe';
import { DEMO, withZoo } from './zoo';

const refusal = (code: ErrorCode, what: RegExp) =>
  expect.objectContaining({
    name: 'MoEDebuggerError',
    code,
    message: expect.stringMatching(what) as string
  });

/** A copy of the tiny model whose first large weight lies in a file of its own. */
function withExternalWeight(location: string, offset = 0): string {
  const model = tinyMoE({ layers: 1 }).build();
  const [weight] = model.graph.initializer;
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'weights.bin'),
    Buffer.concat([Buffer.alloc(offset), weight.rawData!])
  );
  Object.assign(weight, {
    rawData: undefined,
    dataLocation: 1,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) }
    ]
  });
  return saveModel(model, folder);
}

describe('a model that is not right', () => {
  it('is missing', async () => {
    await expect(loadModel('no/such/model')).rejects.toEqual(
      refusal(
        'model-not-found',
        /no such model in .*kernel-bridge \(no\/such\/model\)/
      )
    );
    await expect(loadModel(temporaryFolder())).rejects.toEqual(
      refusal('model-not-found', /holds no \.onnx file/)
    );
  });

  it('is one of several', () => {
    const folder = tinyMoE().save();
    copyFileSync(join(folder, 'model.onnx'), join(folder, 'a.onnx'));
    copyFileSync(join(folder, 'model.onnx'), join(folder, 'b.onnx'));
    expect(inspectModel(folder).layers).toHaveLength(2);
    const unclear = temporaryFolder();
    copyFileSync(join(folder, 'a.onnx'), join(unclear, 'a.onnx'));
    copyFileSync(join(folder, 'b.onnx'), join(unclear, 'b.onnx'));
    expect(() => inspectModel(unclear)).toThrow(
      refusal(
        'model-not-found',
        /2 \.onnx files: a\.onnx, b\.onnx.*name the one/
      )
    );
  });

  it.each([0, 1, 100, 5000])('is truncated to %i bytes', async size => {
    const folder = tinyMoE().save();
    truncateSync(join(folder, 'model.onnx'), size);
    await expect(loadModel(folder)).rejects.toEqual(
      refusal('model-invalid', new RegExp(join(folder, 'model.onnx')))
    );
  });

  it('is no mixture of experts', async () => {
    const dense = tinyMoE({ layers: 2, dense: [0, 1] }).save();
    expect(inspectModel(dense).layers).toEqual([
      { layer: 0, moe: false },
      { layer: 1, moe: false }
    ]);
    await expect(loadModel(dense)).rejects.toEqual(
      refusal('not-a-moe', /no router/)
    );
  });

  it('has an operator that onnxruntime does not know', async () => {
    const b = tinyMoE({ layers: 1 });
    b.output(b.op('NoSuchOperator', ['logits']));
    await expect(loadModel(b.save())).rejects.toEqual(
      refusal('model-unsupported', /NoSuchOperator/)
    );
  });

  it('wants an input that nothing is known of', async () => {
    const b = tinyMoE({ layers: 1 });
    const extra = b.input('pixel_values', 'float', [1, 3]);
    b.output(b.op('Identity', [extra]));
    const model = loadModel(b.save());
    await expect(model.then(loaded => loaded.trace([1]))).rejects.toEqual(
      refusal('model-unsupported', /pixel_values/)
    );
  });

  it('routes other tokens than it is fed', async () => {
    const b = new GraphBuilder();
    const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
    const first = b.op('Slice', [
      b.op('Gather', [b.weight([20, 8]), ids]),
      b.ints([0]),
      b.ints([1]),
      b.ints([1])
    ]);
    const scores = b.op(
      'Softmax',
      [b.op('MatMul', [first, b.weight([8, 4])])],
      { axis: -1 }
    );
    const [values, selected] = b.many('TopK', [scores, b.ints([2])], 2);
    const vectors = b.op('Gather', [b.weight([4, 8]), selected], { axis: 0 });
    b.output(b.op('MatMul', [b.over('Unsqueeze', values, [2]), vectors]));
    const model = loadModel(b.save());
    await expect(model.then(loaded => loaded.trace([1, 2, 3]))).rejects.toEqual(
      refusal('capture', /were captured where 12 were expected/)
    );
  });
});

describe('weights outside the file', () => {
  it('are read where they are', async () => {
    const inside = await loadModel(tinyMoE({ layers: 1 }).save());
    const outside = await loadModel(withExternalWeight('weights.bin', 12));
    const [expected, actual] = await Promise.all([
      inside.trace([1, 2, 3]),
      outside.trace([1, 2, 3])
    ]);
    expect(actual.layer(0)).toEqual(expected.layer(0));
    await Promise.all([inside.dispose(), outside.dispose()]);
  });

  it.each([
    ['absolute', '/etc/hostname', /outside the model's folder/],
    ['above the folder', '../weights.bin', /outside the model's folder/],
    ['missing', 'gone.bin', /gone\.bin is missing/]
  ])('are refused when %s', async (_, location, what) => {
    await expect(loadModel(withExternalWeight(location))).rejects.toEqual(
      refusal('external-data', what)
    );
  });

  it('are refused when linked from outside or truncated, naming the tensor', async () => {
    const linked = withExternalWeight('linked.bin');
    const elsewhere = join(temporaryFolder(), 'secret.bin');
    writeFileSync(elsewhere, Buffer.alloc(100_000));
    symlinkSync(elsewhere, join(linked, 'linked.bin'));
    await expect(loadModel(linked)).rejects.toEqual(
      refusal('external-data', /link that leads out .*tensor weight_/)
    );
    const short = withExternalWeight('weights.bin');
    truncateSync(join(short, 'weights.bin'), 100);
    await expect(loadModel(short)).rejects.toEqual(
      refusal(
        'external-data',
        /beyond the end of weights\.bin \(100 bytes\) .*tensor weight_/
      )
    );
  });
});

describe('a prompt that is not right', () => {
  it('is refused, and the model runs the next one', async () => {
    const folder = tinyMoE({ layers: 1 }).save();
    writeFileSync(
      join(folder, 'config.json'),
      '{"max_position_embeddings": 6}'
    );
    const model = await loadModel(folder);
    await expect(model.trace('text')).rejects.toEqual(
      refusal('tokenizer', /no tokenizer\.json/)
    );
    await expect(model.trace([])).rejects.toEqual(
      refusal('input', /no prompts|no tokens/)
    );
    await expect(model.trace({ inputIds: [] })).rejects.toEqual(
      refusal('input', /no tokens/)
    );
    await expect(model.trace([1, 2, 3, 4, 5, 6, 7])).rejects.toEqual(
      refusal('input', /7 tokens and the model's context is 6/)
    );
    await expect(model.trace([1, 50])).rejects.toEqual(
      refusal('input', /token id 50 .*ids run from 0 to 49/)
    );
    await expect(model.trace([1, -1])).rejects.toEqual(
      refusal('input', /token id -1/)
    );
    expect((await model.trace([1, 49])).coverage.tokens).toBe(2);
    await model.dispose();
  });

  it('comes from a tokenizer that does not fit the vocabulary', async () => {
    const folder = tinyMoE({ layers: 1 }).save();
    copyFileSync(join(DEMO, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    const model = await loadModel(folder);
    await expect(model.trace('def fibonacci(number):')).rejects.toEqual(
      refusal('input', /not in the model's vocabulary/)
    );
    await model.dispose();
  });

  it.each(['{', '{}', '{"model": {"type": "NoSuchType"}}'])(
    'meets a tokenizer that is broken: %s',
    async text => {
      const folder = tinyMoE({ layers: 1 }).save();
      writeFileSync(join(folder, 'tokenizer.json'), text);
      const model = await loadModel(folder);
      await expect(model.trace('a')).rejects.toEqual(
        refusal('tokenizer', /cannot be read \(.*tokenizer\.json: /)
      );
      // Token ids need none.
      const { samples } = await model.trace([1, 49]);
      expect(samples[0].tokens).toEqual([
        { position: 0, id: 1 },
        { position: 1, id: 49 }
      ]);
      expect(model.layers).toHaveLength(1);
      expect(String(model)).toMatch(/warning: .*tokenizer\.json/);
      await model.dispose();
    }
  );
});

describe('a run that is cancelled', () => {
  it('ends at once with "cancelled", and the model runs again', async () => {
    const model = await loadModel(DEMO);
    const ids = Array.from({ length: 400 }, (_, i) => i);
    const controller = new AbortController();
    const run = model.trace([ids, ids, ids], {
      signal: controller.signal,
      onProgress: () => controller.abort()
    });
    await expect(run).rejects.toEqual(refusal('cancelled', /cancelled/));
    await expect(
      model.trace(ids, { signal: controller.signal })
    ).rejects.toEqual(refusal('cancelled', /cancelled/));
    expect((await model.trace([1, 2, 3])).coverage.tokens).toBe(3);
    await model.dispose();
  });

  it('keeps the prompts that were done, in the error or as the result', async () => {
    const model = await loadModel(DEMO);
    const ids = [1, 2, 3];
    const stopped = (onCancel?: 'throw' | 'return') => {
      const controller = new AbortController();
      return model.trace([ids, ids, ids], {
        signal: controller.signal,
        onCancel,
        onProgress: ({ done }) => done === 2 && controller.abort()
      });
    };
    const error = await stopped().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TraceCancelled);
    expect((error as TraceCancelled).partial.coverage.tokens).toBe(6);
    expect((await stopped('return')).samples).toHaveLength(2);
    await expect(
      model.trace(ids, { signal: AbortSignal.abort(), onCancel: 'return' })
    ).rejects.toEqual(refusal('cancelled', /cancelled/));
    await expect(
      model.trace(ids, { onCancel: 'stop' as 'return' })
    ).rejects.toMatchObject({ code: 'input', where: 'onCancel' });
    await model.dispose();
  });

  it('stops loading too', async () => {
    await expect(
      loadModel(DEMO, { signal: AbortSignal.abort() })
    ).rejects.toEqual(refusal('cancelled', /cancelled/));
  });

  it('cannot be run after it was disposed, and can be disposed twice', async () => {
    const model = await loadModel(tinyMoE({ layers: 1 }).save());
    await model.dispose();
    await model.dispose();
    await expect(model.trace([1])).rejects.toEqual(
      refusal('input', /was disposed/)
    );
  });
});

describe('weights that are not numbers', () => {
  it('still show how the rest is routed', async () => {
    const b = tinyMoE({ layers: 2 });
    // The embedding of token 3.
    const table = b.initializers[0].rawData!;
    new Float32Array(table.buffer, table.byteOffset + 3 * 16 * 4, 1)[0] = NaN;
    const model = await loadModel(b.save());
    const trace = await model.trace([1, 2]);
    expect(trace.layer(0).logits.every(Number.isFinite)).toBe(true);
    const broken = await model.trace([3]);
    expect(broken.coverage.slots).toBe(4);
    expect(broken.layer(0).logits.some(Number.isNaN)).toBe(true);
    await model.dispose();
  });

  it('are left out of what a plan costs, and said', async () => {
    const b = tinyMoE({ layers: 2 });
    const table = b.initializers[0].rawData!;
    new Float32Array(table.buffer, table.byteOffset + 3 * 16 * 4, 1)[0] = NaN;
    const model = await loadModel(b.save());
    // No prediction of a prompt with token 3 is finite. Every second prompt is held out.
    const prompts = [
      [1, 2, 4, 5],
      [2, 4, 1],
      [5, 4, 2, 1],
      [1, 4, 3, 5]
    ];
    const said =
      'the model itself has no finite loss on 3 of 5 predicted tokens, which are left out of the effect: diagnose says where its NaN or infinite values come from';
    for (const plan of [
      await compressionPlan(model, prompts, { ratio: 0.25 }),
      await balanceLoad(model, prompts)
    ]) {
      const { effect, warnings } = plan.toJSON();
      expect(warnings).toContain(said);
      expect(effect!.all).toMatchObject({
        tokens: 2,
        notFinite: { model: 3, plan: 0 }
      });
      expect(effect!.all.loss).toBeGreaterThan(0);
      expect(effect!.all.lossWithPlan).toBeGreaterThan(0);
    }
    const { experts, notes } = (
      await model.layerVocabulary({ layer: 0, prompts })
    ).toJSON();
    expect(notes.join()).toContain('the model has no finite loss on 3 tokens,');
    const losses = experts.flatMap(({ evidence }) =>
      [evidence?.raised, evidence?.others].flatMap(own => own?.loss ?? [])
    );
    expect(losses.length).toBeGreaterThan(0);
    expect(losses.every(Number.isFinite)).toBe(true);
    await model.dispose();
  });

  withZoo('defect-nan', 'of a trained model', defect => {
    it('are traced token by token as PyTorch saw them', async () => {
      const tensors = readSafetensors(join(defect, 'truth.safetensors'));
      const ids = tensors.get('sample/ids')!;
      const [rows, width] = ids.shape;
      const model = await loadModel(defect);
      const moe = JSON.parse(
        readFileSync(join(defect, 'config.json'), 'utf8')
      ) as { num_hidden_layers: number };
      for (let row = 0; row < Math.min(rows, 12); row++) {
        const trace = await model.trace([
          ...ids.data.subarray(row * width, (row + 1) * width)
        ]);
        for (let layer = 0; layer < moe.num_hidden_layers; layer++) {
          const { logits, selected } = trace.layer(layer);
          const truth = tensors.get(`sample/l${layer}/experts`)!.data;
          for (let token = 0; token < width; token++) {
            if (
              logits.subarray(token * 8, token * 8 + 8).every(Number.isFinite)
            ) {
              const at = (row * width + token) * 2;
              expect(
                [...selected.subarray(token * 2, token * 2 + 2)].sort()
              ).toEqual([...truth.subarray(at, at + 2)].sort());
            }
          }
        }
      }
      await model.dispose();
    });
  });
});

it('keeps errors typed through and through', () => {
  const error = new MoEDebuggerError('input', 'what', {
    where: 'where',
    hint: 'do this'
  });
  expect(error).toBeInstanceOf(Error);
  expect(error.message).toBe('what (where): do this');
});
