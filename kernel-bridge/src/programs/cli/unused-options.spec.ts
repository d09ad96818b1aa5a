import { compare } from './compare';
import { circuit } from './circuit';
import { pipelines } from './pipelines';
import { refuseUnused } from './unused-options';

it('names the first option that was given, and takes those that were not', () => {
  expect(() =>
    refuseUnused('cook', { '--salt': undefined }, { because: 'it is sweet' })
  ).not.toThrow();
  expect(() =>
    refuseUnused(
      'cook',
      { '--salt': undefined, '--pepper': 0 },
      { because: 'it is sweet' }
    )
  ).toThrow('--pepper has no effect: it is sweet');
});

it.each<[string, () => Promise<void>, RegExp]>([
  [
    'nodes to measure, for a task',
    () => circuit('none', { pairs: 'none.jsonl', measure: 3 }),
    /^--measure has no effect: .*pairs/
  ],
  [
    'the layer of a direction, for one pair',
    () => circuit('none', { prompt: 'a', corrupted: 'b', directionLayer: 1 }),
    /^--direction-layer has no effect/
  ],
  [
    'resamples, for one pair',
    () => circuit('none', { prompt: 'a', corrupted: 'b', resamples: 9 }),
    /^--resamples has no effect/
  ],
  [
    'no directions, for one pair',
    () => circuit('none', { prompt: 'a', corrupted: 'b', directions: false }),
    /^--no-directions has no effect/
  ],
  [
    'prompts, for traces',
    () => compare(['a.parquet', 'b.parquet'], { prompts: 'p.jsonl' }),
    /^--prompts has no effect: .*traces/
  ],
  [
    'a prompt, for traces',
    () => compare(['a.parquet', 'b.parquet'], { prompt: 'x' }),
    /^--prompt has no effect: .*traces/
  ],
  [
    'tokens for effects, for a trace',
    () => pipelines('a.parquet', { effectTokens: 100 }),
    /^--effect-tokens has no effect: .*trace/
  ]
])('refuses %s', async (_, run, message) => {
  await expect(run()).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(message) as string
  });
});
