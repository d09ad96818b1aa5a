/** Prompts that calls and tools take: one text is one prompt, and what is no prompt is refused by name. */
import { smallModels } from '../../../test/zoo';
import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { diagnoseModel } from '../../analyses/findings';

const IDS = [5, 9, 2, 30];
const REFUSED = expect.objectContaining({ code: 'input' });

describe('a model with a tokenizer', () => {
  let model: MoEModel;
  let text: string;

  beforeAll(async () => {
    model = await loadModel(
      smallModels().find(folder => /qwen2_moe/.test(folder))!
    );
    text = model.tokenizer!.decode(IDS);
  });
  afterAll(() => model.dispose());

  it('has tools that begin with a text, and with the text of ids', () => {
    const { tools } = model;
    for (const prompt of [text, IDS]) {
      expect(tools.experts({ prompt }).state.prompt).toBe(text);
      expect(tools.steering({ prompt }).state.prompt).toBe(text);
      expect(tools.lens({ prompt }).state.prompt).toBe(text);
      expect(
        tools.attribution({ prompt, baseline: { prompt } }).state.question
      ).toMatchObject({ prompt: text, baseline: { kind: 'prompt', text } });
      expect(
        tools.circuit({ clean: prompt, corrupted: prompt }).state.question
      ).toMatchObject({ clean: text, other: 'prompt', corrupted: text });
      expect(tools.sweep({ prompts: prompt }).state.prompts).toBe(text);
      expect(tools.sweep({ prompts: [prompt, 'b'] }).state.prompts).toBe(
        `${text}\nb`
      );
    }
    expect(tools.sweep({ prompts: [] }).state.prompts).toBe('');
    expect(
      tools.circuit({ clean: 'a', corrupted: { embeddings: 'mean' } }).state
        .question
    ).toMatchObject({ other: 'mean', corrupted: '' });
  });

  it('refuses what a line of the sweep cannot hold', () => {
    expect(() => model.tools.sweep({ prompts: 'a\nb' })).toThrow(
      /"a\\nb" has several lines/
    );
    expect(() => model.tools.sweep({ prompts: ['a', 'b\r\nc'] })).toThrow(
      REFUSED
    );
  });

  it('is diagnosed on one text as on a list of it', async () => {
    const [one, list, ids] = [
      await diagnoseModel(model, { prompts: text }),
      await diagnoseModel(model, { prompts: [text] }),
      await diagnoseModel(model, {
        prompts: model.tokenizer!.encode(text)
      })
    ];
    expect(one.samples).toBe(1);
    expect(one.layers).toEqual(list.layers);
    expect(ids.layers).toEqual(list.layers);
    async function* stream() {
      yield text;
      yield text;
    }
    expect((await diagnoseModel(model, { prompts: stream() })).samples).toBe(2);
    expect(
      (await diagnoseModel(model, { prompts: new Set([text]) })).samples
    ).toBe(1);
  });
});

describe('what is no prompt', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  // As untyped code may pass it: a number, nothing, an object of neither, a list in a list, an id that no model has.
  const wrong: [string, never][] = [
    ['a number', 7],
    ['null', null],
    ['an object', {}],
    ['a nested list', [[[1, 2]]]],
    ['an id beyond the vocabulary', [1e6]]
  ].map(([name, value]) => [name as string, value as never]);

  it.each(wrong)('%s: is refused by every tool', (_, prompt) => {
    const { tools } = model;
    const made = [
      () => tools.experts({ prompt }),
      () => tools.steering({ prompt }),
      () => tools.lens({ prompt }),
      () => tools.attribution({ prompt }),
      () => tools.attribution({ baseline: { prompt } }),
      () => tools.circuit({ clean: prompt }),
      () => tools.circuit({ clean: [1], corrupted: prompt }),
      () => tools.sweep({ prompts: prompt })
    ];
    made.forEach(make => expect(make).toThrow(REFUSED));
  });

  it.each(wrong)('%s: is refused by every call', async (_, prompt) => {
    const edited = model.with({ bias: [{ layer: 0, expert: 1, value: 1 }] });
    const session = model.session();
    const expert = { layer: 0, expert: 1 };
    const criterion = { criterion: { token: 1 } };
    const calls: (() => Promise<unknown>)[] = [
      ...[model, edited].flatMap(own => [
        () => own.trace(prompt),
        () => own.generate(prompt, { maxNewTokens: 1 }),
        () => own.lens(prompt),
        () => own.sweep(prompt),
        () => own.diagnose(prompt),
        () => own.attribute(prompt),
        () => own.attention(prompt),
        () => own.findHeads({ sequences: prompt }),
        () => own.circuit(prompt, [1, 2]),
        () => own.circuit([1, 2], prompt),
        () => own.attributionPatching(prompt, [1, 2]),
        () => own.patch(prompt, [1, 2], []),
        () => own.patch([1, 2], prompt, []),
        () => own.expertPipelines(prompt),
        () => own.causalExperts(prompt, criterion),
        () => own.counterfactual(prompt, { bias: [{ ...expert, value: 2 }] }),
        () => own.steeringVectors({ positive: prompt, negative: [1] }),
        () => own.steeringVectors({ positive: [1], negative: prompt }),
        () => own.expertVocabulary({ ...expert, prompts: prompt })
      ]),
      () => session.trace(prompt),
      () => session.generate(prompt, { maxNewTokens: 1 }),
      () => session.profile(prompt)
    ];
    const outcomes = await Promise.all(
      calls.map(call =>
        call().then(
          () => 'accepted',
          (error: { code?: string; message: string }) =>
            error.code ?? error.message
        )
      )
    );
    expect(outcomes).toHaveLength(41);
    expect(outcomes).toEqual(calls.map(() => 'input'));
  });
});
