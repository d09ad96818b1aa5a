/**
 * A merged decoder, as Optimum makes it: one If whose branches are the whole model with and without a KV cache. Built
 * here from the demo model; the branch without a cache must be used only for the prompt.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadModel,
  type AttributeOptions,
  type Edits,
  type MoEModel
} from '../..';
import { largestDifference } from '../../../test/edit-truth';
import { writeMergedDemo } from '../../../test/merged-decoder';
import { DEMO } from '../../../test/zoo';

describe('a merged decoder', () => {
  let folder: string;
  let merged: MoEModel;
  let demo: MoEModel;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moe-merged-'));
    demo = await loadModel(DEMO);
    merged = await loadModel(writeMergedDemo(folder));
  }, 60_000);
  afterAll(async () => {
    await Promise.all([demo?.dispose(), merged?.dispose()]);
    rmSync(folder, { recursive: true });
  });

  it('generates and routes like the decoder that it was made from', async () => {
    const prompts = ['def fib(n):', 'Der Rechner'];
    const expected = await demo.generate(prompts, { maxNewTokens: 12 });
    const ours = await merged.generate(prompts, { maxNewTokens: 12 });
    ours.forEach(({ text, tokens, trace }, i) => {
      expect(text).toBe(expected[i].text);
      expect(tokens).toEqual(expected[i].tokens);
      trace.samples[0].layers.forEach(({ logits, selected }, l) => {
        const layer = expected[i].trace.samples[0].layers[l];
        expect([...selected]).toEqual([...layer.selected]);
        expect(
          Math.max(
            ...logits.map((value, j) => Math.abs(value - layer.logits[j]))
          )
        ).toBeLessThan(1e-4);
      });
    });
  }, 30_000);

  it.each([
    { target: { kind: 'logit', token: 5 }, layers: true },
    { target: { kind: 'router', layer: 3, expert: 2 } }
  ] as AttributeOptions[])(
    'attributes %j like the decoder that it was made from',
    async options => {
      const [expected, ours] = [
        await demo.attribute('def fib(n):', {
          ...options,
          method: 'grad-input'
        }),
        await merged.attribute('def fib(n):', {
          ...options,
          method: 'grad-input'
        })
      ].map(({ data }) => data);
      expect(ours.value).toBeCloseTo(expected.value, 4);
      expect(ours.experts?.length).toBe(expected.experts?.length);
      for (const part of ['tokens', 'experts'] as const) {
        const theirs = expected[part]?.map(({ attribution }) => attribution);
        const largest = Math.max(...(theirs ?? []).map(Math.abs));
        ours[part]?.forEach(({ attribution }, i) =>
          expect(Math.abs(attribution - theirs![i])).toBeLessThan(
            1e-4 * largest
          )
        );
      }
    },
    120_000
  );

  it('explains edits like the decoder that it was made from', async () => {
    const edits: Edits = {
      ablate: [{ layer: 2, expert: 5, tokens: [1] }],
      topK: [{ layer: 1, k: 3 }]
    };
    const prompt = 'def fib(n):';
    const options = { method: 'grad-input' } as const;
    const [expected, ours] = [
      await demo.with(edits).attribute(prompt, options),
      await merged.with(edits).attribute(prompt, options)
    ];
    expect(ours.value).toBeCloseTo(expected.value, 4);
    const [theirs, own] = [expected, ours].map(({ tokens }) =>
      tokens.map(({ attribution }) => attribution)
    );
    expect(largestDifference(own, theirs)).toBeLessThan(
      1e-4 * Math.max(...theirs.map(Math.abs))
    );
    const [attended, plain] = [
      await merged.with(edits).attention(prompt),
      await demo.with(edits).attention(prompt)
    ].map(({ layers }) => layers.map(({ probabilities }) => probabilities));
    expect(attended).toHaveLength(6);
    attended.forEach((layer, i) =>
      expect(largestDifference(layer, plain[i])).toBeLessThan(1e-5)
    );
  }, 120_000);

  it('supports edits like the decoder that it was made from, prompts side by side and one by one', async () => {
    const edits: Edits = {
      force: [{ layer: 2, expert: 5, tokens: [3] }],
      ablate: [{ layer: 4, expert: 1, mode: 'drop' }],
      topK: [{ layer: 1, k: 3 }]
    };
    const prompts = ['def fib(n):', 'Der Rechner'];
    const ours = await merged.with(edits).generate(prompts, {
      maxNewTokens: 8
    });
    for (const [i, prompt] of prompts.entries()) {
      const expected = await demo
        .with(edits)
        .generate(prompt, { maxNewTokens: 8 });
      expect(ours[i].text).toBe(expected.text);
      ours[i].trace.samples[0].layers.forEach(({ selected, topK }, l) => {
        const layer = expected.trace.samples[0].layers[l];
        expect(topK).toBe(layer.topK);
        expect([...selected]).toEqual([...layer.selected]);
      });
    }
  }, 60_000);
});
