/** Experts of the demo model that follow each other, and what they do to each other's scores, set against edits. */
import { loadModel } from '../src';
import type { MoEModel } from '../src/api/moe-model';
import { DEMO } from './zoo';

const PROMPTS = [
  'def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)',
  'Die Katze sitzt auf der Matte und schaut aus dem Fenster in den Garten.',
  'The cat sits on the mat and looks out of the window into the garden.',
  '{"name": "Anna", "age": 31, "city": "Bern", "tags": ["a", "b"]}',
  'Le chat est assis sur le tapis et regarde le jardin par la fenêtre.'
];

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

/** The score of an expert above the mean of its router, at a token. */
async function score(
  run: Pick<MoEModel, 'trace'>,
  prompt: string,
  layer: number,
  expert: number,
  token: number
): Promise<number> {
  const trace = await run.trace(prompt);
  const own = trace.samples[0].layers.find(found => found.layer === layer)!;
  const logits = own.logits.subarray(
    token * own.experts,
    (token + 1) * own.experts
  );
  return logits[expert] - logits.reduce((sum, x) => sum + x, 0) / logits.length;
}

it('credits an expert with what a small change of its weight does to the next one’s score', async () => {
  const prompt = 'def fib(n):';
  const found = await model.expertPipelines(prompt, {
    alpha: 1,
    minLift: 1e-9,
    effectTokens: 1
  });
  expect(found.steps.length).toBeGreaterThan(10);
  const { samples } = await model.trace(prompt);
  let compared = 0;
  // One token a step: those pairs that meet only once are measured there.
  for (const { from, to, together, effect } of found.steps) {
    if (together !== 1 || compared === 6) {
      continue;
    }
    compared++;
    const chosen = [from, to].map(({ layer, expert }) => {
      const own = samples[0].layers.find(l => l.layer === layer)!;
      return new Set(
        [...own.selected.keys()]
          .filter(slot => own.selected[slot] === expert)
          .map(slot => Math.floor(slot / own.topK))
      );
    });
    const token = [...chosen[0]].find(t => chosen[1].has(t))!;
    const step = 0.01;
    const [up, down] = await Promise.all(
      [1 + step, 1 - step].map(factor =>
        score(
          model.with({
            scale: [
              {
                layer: from.layer,
                expert: from.expert,
                factor,
                tokens: [token, token + 1]
              }
            ]
          }),
          prompt,
          to.layer,
          to.expert,
          token
        )
      )
    );
    const difference = (up - down) / (2 * step);
    expect(effect!.tokens).toBe(1);
    expect(effect!.low).toBeNull();
    expect(Math.abs(effect!.mean - difference)).toBeLessThan(
      0.01 + 0.02 * Math.abs(difference)
    );
  }
  expect(compared).toBe(6);
}, 120_000);

it('tells which experts follow each other, in words and as a document', async () => {
  const progress: number[] = [];
  const found = await model.expertPipelines(PROMPTS, {
    effectTokens: 0,
    alpha: 0.2,
    onProgress: ({ done }) => progress.push(done)
  });
  expect(progress).toEqual([1, 2, 3, 4, 5]);
  const document = found.toJSON();
  expect(document.schema).toBe('moe-debugger/pipelines@1');
  expect(document.tests).toBeGreaterThan(200);
  for (const { lift, correctedP, p, effect } of document.steps) {
    expect(lift).toBeGreaterThanOrEqual(1.5);
    expect(correctedP).toBeLessThanOrEqual(0.2);
    expect(correctedP).toBeGreaterThanOrEqual(p);
    expect(effect).toBeUndefined();
  }
  expect(found.toString()).toMatch(/experts of demo that follow each other/);
});

it.each([
  [{ alpha: 0 }, /alpha cannot be 0/],
  [{ minLift: -1 }, /minLift cannot be -1/],
  [{ span: 0.5 }, /span cannot be 0.5/],
  [{ effectTokens: -1 }, /effectTokens cannot be -1/]
])('refuses %j', async (options, message) => {
  await expect(model.expertPipelines('a', options)).rejects.toThrow(message);
});

it('is cancelled', async () => {
  const controller = new AbortController();
  controller.abort();
  await expect(
    model.expertPipelines(PROMPTS, { signal: controller.signal })
  ).rejects.toMatchObject({ code: 'cancelled' });
});
