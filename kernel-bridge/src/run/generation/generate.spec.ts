/** Generation on the demo model, as users of the package write it. */
import type { Progress } from '../../base/progress';
import {
  GenerationCancelled,
  loadModel,
  type GenerateOptions,
  type MoEModel,
  type TokenEvent
} from '../..';
import { DEMO } from '../../../test/zoo';
import * as kernel from '../../base/kernel-api';
import { sessionStore } from '../../api/store';

const PROMPT = 'def fib(n):';
/** Greedy, from a Python program that runs the whole sequence for each token in onnxruntime, without a KV cache. */
const CONTINUATION = [
  299, 864, 53, 530, 1063, 1106, 28, 335, 523, 458, 16, 535, 65, 85, 384, 296,
  10, 85, 11, 335, 479, 458, 16, 69, 396, 10, 554, 16, 85, 1307, 65, 69
];

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

describe('generate', () => {
  it('generates the same as a program without a KV cache', async () => {
    const { tokens, text, finishReason, seed, notes } =
      await model.generate(PROMPT);
    expect(tokens.map(({ id }) => id)).toEqual(CONTINUATION);
    expect(tokens[0]).toEqual({ position: 6, id: 299, text: '\n   ' });
    expect(text).toMatch(/^\n {4}"""SubclassError:/);
    expect({ finishReason, seed, notes }).toEqual({
      finishReason: 'length',
      seed: undefined,
      notes: []
    });
  });

  it('captures the routing of the prompt and of every generated token', async () => {
    const { trace, tokens } = await model.generate(PROMPT, { maxNewTokens: 5 });
    const [sample] = trace.samples;
    expect(sample.tokens).toHaveLength(6 + 5);
    expect(sample.tokens.slice(6)).toEqual(tokens);
    expect(trace.coverage).toEqual({
      moeLayers: 6,
      layersCaptured: 6,
      tokens: 11,
      slots: 11 * 6 * 2
    });
    expect(sessionStore().traces[0]).toMatchObject({
      id: trace.id,
      label: PROMPT
    });
  });

  it('captures a share of the tokens of prompts side by side, each as it is', async () => {
    const prompts = ['def fib(n):', 'Der Hund', 'import os\nimport sys'];
    const options = { maxNewTokens: 16 };
    const whole = await model.generate(prompts, options);
    const sampled = await model.generate(prompts, {
      ...options,
      sample: { rate: 0.3, seed: 4 }
    });
    expect(sampled.map(({ tokens }) => tokens)).toEqual(
      whole.map(({ tokens }) => tokens)
    );
    const positions = sampled.map(({ trace: { samples } }) =>
      samples[0].tokens.map(({ position }) => position)
    );
    expect(new Set(positions.map(String)).size).toBe(3);
    positions.forEach((own, prompt) => {
      const run = whole[prompt].trace.coverage.tokens;
      expect(own.length).toBeGreaterThan(0.15 * run);
      expect(own.length).toBeLessThan(0.5 * run);
      expect(sampled[prompt].trace.coverage.tokensRun).toBe(run);
      const all = whole[prompt].trace.samples[0];
      const { tokens, layers } = sampled[prompt].trace.samples[0];
      expect(tokens).toEqual(own.map(position => all.tokens[position]));
      const { experts, topK } = all.layers[5];
      expect([...layers[5].selected]).toEqual(
        own.flatMap(position => [
          ...all.layers[5].selected.subarray(
            position * topK,
            (position + 1) * topK
          )
        ])
      );
      const logits = own.flatMap(position => [
        ...all.layers[5].logits.subarray(
          position * experts,
          (position + 1) * experts
        )
      ]);
      expect(layers[5].logits).toHaveLength(logits.length);
      // Other tokens of a batch change the last bits at most.
      const off = logits.map((logit, i) =>
        Math.abs(logit - layers[5].logits[i])
      );
      expect(Math.max(...off)).toBeLessThan(1e-4);
    });
  });

  it('streams text and routing as they arrive', async () => {
    const events: TokenEvent[] = [];
    const { trace, text } = await model.generate('Le café', {
      maxNewTokens: 12,
      onToken: event => void events.push(event)
    });
    expect(events.map(event => event.text).join('')).toBe(text);
    const [sample] = trace.samples;
    const start = sample.tokens.length - 12;
    events.forEach(({ id, position, routing, prompt }, i) => {
      expect({ id, position }).toEqual({
        id: sample.tokens[start + i].id,
        position: start + i
      });
      expect(prompt).toEqual({ index: 0, id: '0' });
      routing.forEach(({ logits, selected, weights }, l) => {
        const { experts, topK, ...layer } = sample.layers[l];
        expect(logits).toEqual(
          layer.logits.subarray(position * experts, (position + 1) * experts)
        );
        expect(selected).toEqual(
          layer.selected.subarray(position * topK, (position + 1) * topK)
        );
        expect(weights).toEqual(
          layer.weights.subarray(position * topK, (position + 1) * topK)
        );
      });
    });
  });

  it('keeps the logits after the last token when asked', async () => {
    const { trace, tokens } = await model.generate(PROMPT, {
      maxNewTokens: 3,
      logits: 'last'
    });
    const kept = trace.outputLogits.get('0')!;
    const whole = await model.trace(
      { inputIds: trace.samples[0].tokens.map(({ id }) => id) },
      { logits: 'last' }
    );
    const expected = whole.outputLogits.get('0')!;
    expect(kept.width).toBe(2048);
    expect(
      Math.max(
        ...kept.data.map((value, i) => Math.abs(value - expected.data[i]))
      )
    ).toBeLessThan(1e-3);
    expect(tokens).toHaveLength(3);
  });

  it('samples the same text with the same seed, and another with another', async () => {
    const draw = (seed: number): Promise<string> =>
      model
        .generate(PROMPT, {
          maxNewTokens: 16,
          temperature: 1,
          topK: 50,
          topP: 0.95,
          seed
        })
        .then(({ text }) => text);
    const first = await draw(5);
    expect(await draw(5)).toBe(first);
    expect(await draw(6)).not.toBe(first);
  });

  it('returns its seed, so that a run can be repeated', async () => {
    const { seed, text } = await model.generate(PROMPT, {
      maxNewTokens: 8,
      temperature: 1
    });
    expect(
      (await model.generate(PROMPT, { maxNewTokens: 8, temperature: 1, seed }))
        .text
    ).toBe(text);
  });

  it('stops at a text that spans tokens, and truncates before it', async () => {
    const events: string[] = [];
    const options: GenerateOptions = {
      stop: ['Error:\n', 'never'],
      onToken: ({ text }) => void events.push(text)
    };
    const { text, tokens, finishReason, trace } = await model.generate(
      PROMPT,
      options
    );
    expect(text).toBe('\n    """Subclass');
    expect(events.join('')).toBe(text);
    expect(finishReason).toBe('stop');
    expect(trace.coverage.tokens).toBe(6 + tokens.length);
    expect(tokens.length).toBeLessThan(CONTINUATION.length);
  });

  it('ends at the context length', async () => {
    const { tokens, finishReason } = await model.generate(
      { inputIds: new Array<number>(509).fill(299) },
      { maxNewTokens: 9 }
    );
    expect({ count: tokens.length, finishReason }).toEqual({
      count: 3,
      finishReason: 'length'
    });
    await expect(
      model.generate({ inputIds: new Array<number>(512).fill(299) })
    ).rejects.toMatchObject({ code: 'input' });
  });

  it.each<[string, GenerateOptions]>([
    ['maxNewTokens', { maxNewTokens: 0 }],
    ['maxNewTokens', { maxNewTokens: 1.5 }],
    ['temperature', { temperature: -1 }],
    ['temperature', { temperature: NaN }],
    ['temperature', { topK: 5 }],
    ['topK', { temperature: 1, topK: 0 }],
    ['topP', { temperature: 1, topP: 0 }],
    ['topP', { temperature: 1, topP: 1.1 }],
    ['seed', { temperature: 1, seed: -3 }],
    ['stop', { stop: '' }],
    ['batchSize', { batchSize: 0 }]
  ])('rejects a %s out of range: %p', async (where, options) => {
    await expect(model.generate(PROMPT, options)).rejects.toMatchObject({
      code: 'input',
      where
    });
  });

  it('returns the document of the command line', async () => {
    const generation = await model.generate(PROMPT, { maxNewTokens: 2 });
    const document = JSON.parse(JSON.stringify(generation)) as object;
    expect(document).toMatchObject({
      schema: 'moe-debugger/generate@1',
      model: 'demo',
      prompt: PROMPT,
      text: '\n    """',
      finishReason: 'length',
      coverage: { tokens: 8 },
      edits: []
    });
    expect(String(generation)).toBe(`${PROMPT}\n    """`);
  });
});

describe('a list of prompts', () => {
  const prompts = [
    'def',
    PROMPT,
    'Der Rechner ist',
    { text: 'La machine virtuelle', id: 'fr' },
    '#include <stdio.h>\nint main'
  ];

  it('returns for each prompt what it returns alone', async () => {
    const options = { maxNewTokens: 10, stop: ['\n\n'] };
    const together = await model.generate(prompts, {
      ...options,
      batchSize: 3
    });
    expect(together.map(({ trace }) => trace.samples[0].id)).toEqual([
      '0',
      '1',
      '2',
      'fr',
      '4'
    ]);
    for (const [i, prompt] of prompts.entries()) {
      const alone = await model.generate(prompt, options);
      expect(together[i].tokens).toEqual(alone.tokens);
      expect(together[i].finishReason).toBe(alone.finishReason);
      const [ours] = together[i].trace.samples;
      alone.trace.samples[0].layers.forEach((layer, l) => {
        expect(ours.layers[l].logits).toHaveLength(layer.logits.length);
        expect(
          Math.max(
            ...layer.logits.map((value, j) =>
              Math.abs(value - ours.layers[l].logits[j])
            )
          )
        ).toBeLessThan(1e-3);
        expect(ours.layers[l].selected).toEqual(layer.selected);
      });
    }
  }, 30_000);

  it('samples for each prompt as if it ran alone', async () => {
    const options = { maxNewTokens: 6, temperature: 0.7, seed: 9 };
    const together = await model.generate(prompts.slice(0, 2), options);
    expect(together[1].text).toBe(
      (await model.generate(prompts[1], options)).text
    );
  });

  it('can be empty', async () => {
    expect(await model.generate([])).toEqual([]);
  });
});

describe('a generation that is cancelled', () => {
  it('carries the result so far, and leaves the model usable', async () => {
    const controller = new AbortController();
    const onToken = ({ position }: TokenEvent): void => {
      if (position === 6 + 3) {
        controller.abort();
      }
    };
    const error: unknown = await model
      .generate(PROMPT, { signal: controller.signal, onToken })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GenerationCancelled);
    const { code, partial } = error as GenerationCancelled;
    expect(code).toBe('cancelled');
    expect(partial).toHaveLength(1);
    expect(partial[0].finishReason).toBe('cancelled');
    expect(partial[0].tokens.map(({ id }) => id)).toEqual(
      CONTINUATION.slice(0, 4)
    );
    expect(partial[0].trace.coverage.tokens).toBe(6 + 4);
    expect(sessionStore().traces[0].id).toBe(partial[0].trace.id);
    expect((await model.generate(PROMPT)).tokens.map(({ id }) => id)).toEqual(
      CONTINUATION
    );
  });

  it('can be returned as a result, for all prompts that had begun', async () => {
    const controller = new AbortController();
    const onToken = ({ prompt }: TokenEvent): void => {
      if (prompt.index === 1) {
        controller.abort();
      }
    };
    const progress: Progress[] = [];
    const options: GenerateOptions = {
      maxNewTokens: 4,
      batchSize: 1,
      onProgress: now => progress.push(now),
      onCancel: 'return',
      signal: controller.signal,
      onToken
    };
    const generations = await model.generate(
      ['def', PROMPT, 'A longer prompt that comes last'],
      options
    );
    expect(
      generations.map(({ finishReason, tokens }) => [
        finishReason,
        tokens.length
      ])
    ).toEqual([
      ['length', 4],
      ['cancelled', 1]
    ]);
    expect(progress).toEqual([{ done: 1, total: 3 }]);
  });

  it('is an error if nothing was generated yet', async () => {
    for (const onCancel of ['throw', 'return'] as const) {
      await expect(
        model.generate(PROMPT, { signal: AbortSignal.abort(), onCancel })
      ).rejects.toMatchObject({ code: 'cancelled', partial: [] });
    }
  });

  it('stops when the cell is interrupted', async () => {
    const callbacks = new Set<() => void>();
    const spy = jest.spyOn(kernel, 'currentKernel').mockReturnValue({
      onInterrupt: (callback: () => void) => {
        callbacks.add(callback);
        return () => callbacks.delete(callback);
      }
    } as Partial<kernel.KernelApi> as kernel.KernelApi);
    try {
      const onToken = (): void =>
        [...callbacks].forEach(callback => callback());
      await expect(model.generate(PROMPT, { onToken })).rejects.toMatchObject({
        code: 'cancelled'
      });
      expect(callbacks.size).toBe(0);
    } finally {
      spy.mockRestore();
    }
  });

  it('passes on the error of a callback', async () => {
    const onToken = (): never => {
      throw new RangeError('not this one');
    };
    await expect(model.generate(PROMPT, { onToken })).rejects.toThrow(
      'not this one'
    );
    expect(
      (await model.generate(PROMPT, { maxNewTokens: 1 })).tokens
    ).toHaveLength(1);
  });
});
