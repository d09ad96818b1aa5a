/**
 * What analyses of a model come to with two experts, with k = E, and with prompts that tell little: an answer, or a typed
 * error; never a raw one, and no number that is none.
 */
import {
  balanceLoad,
  expertSimilarity,
  formatSensitivity,
  loadModel,
  MoEDebuggerError,
  type MoEModel,
  type PromptObject
} from '../src';
import { tinyMoE } from './tiny-moe';

const MODELS = {
  '2 experts': { experts: 2, topK: 1 },
  'k = E': { experts: 4, topK: 4 }
};

const ids = (length: number, from: number, domain?: string): PromptObject => ({
  inputIds: Array.from({ length }, (_, i) => (from + 7 * i) % 50),
  ...(domain === undefined ? {} : { domain })
});
const INPUTS: Record<string, PromptObject[]> = {
  'one token': [ids(1, 3)],
  'one text': [ids(12, 3)],
  'one domain': [1, 2, 3, 4].map(from => ids(12, from, 'a')),
  'unlabelled text': [1, 2, 3, 4].map(from => ids(12, from))
};

type Call = (model: MoEModel, prompts: PromptObject[]) => Promise<unknown>;
const CALLS: Record<string, Call> = {
  diagnose: (model, prompts) => model.diagnose(prompts),
  formatSensitivity: (model, prompts) => formatSensitivity(model, prompts),
  expertPipelines: (model, prompts) => model.expertPipelines(prompts),
  balanceLoad: (model, prompts) => balanceLoad(model, prompts),
  sweep: (model, prompts) => model.sweep(prompts, { layers: [0] }),
  lens: (model, [prompt]) => model.lens(prompt),
  counterfactual: (model, [prompt]) =>
    model.counterfactual(prompt, { ablate: [{ layer: 0, expert: 0 }] }),
  attribute: (model, [prompt]) =>
    model.attribute(prompt, { method: 'grad-input' }),
  attention: (model, [prompt]) => model.attention(prompt),
  steeringVectors: (model, prompts) =>
    model.steeringVectors({ positive: prompts, negative: prompts }),
  expertSimilarity: model => expertSimilarity(model, 0)
};

/** Of the calls that do not answer everywhere: the error. */
const REFUSED: Record<
  string,
  (model: string, input: string) => RegExp | false
> = {
  formatSensitivity: () => /^error input: only a text can be written/,
  balanceLoad: (_, input) =>
    (input === 'one token' || input === 'one text') &&
    /^error input: no held-out prompt has a next token/,
  sweep: model => model === 'k = E' && /^error edit: 3 experts are left/,
  counterfactual: model =>
    model === 'k = E' && /^error edit: 3 experts are left/
};

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await work, (_, value: unknown) => {
      if (typeof value === 'number' && !Number.isFinite(value)) {
        throw new Error(`${value} is no answer`);
      }
      return value;
    });
  } catch (error) {
    if (error instanceof MoEDebuggerError) {
      return `error ${error.code}: ${error.message}`;
    }
    throw error;
  }
}

describe.each(Object.entries(MODELS))('%s', (name, sizes) => {
  let model: MoEModel;
  beforeAll(async () => {
    model = await loadModel(tinyMoE({ ...sizes, norms: false }).save());
  });
  afterAll(() => model.dispose());

  describe.each(Object.entries(CALLS))('%s of', (call, run) => {
    it.each(Object.entries(INPUTS))('%s', async (input, prompts) => {
      expect(await outcome(run(model, prompts))).toMatch(
        REFUSED[call]?.(name, input) || /^[[{]/
      );
    });
  });

  it('pipelines say what cannot be told', async () => {
    const told =
      name === 'k = E' ? /2 routers: each token selects all/ : /one text/;
    const { notes } = await model.expertPipelines(INPUTS['one text']);
    expect(notes.join()).toMatch(told);
  });
});
