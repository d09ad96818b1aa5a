/** Calls from JavaScript with an argument that is missing or of another type: each is refused by type, before anything runs. */
import {
  balanceLoad,
  compareModels,
  compressionPlan,
  formatSensitivity,
  loadModel,
  type MoEModel
} from '../src';
import { refusal } from './imported';
import { DEMO } from './zoo';

const P = [{ inputIds: [3, 9, 14, 7] }, { inputIds: [4, 8, 15, 16] }];
const NEURONS = { layer: 1, expert: 0 };

/** As JavaScript calls it. */
type Call = (...given: unknown[]) => unknown;
const call = (of: object, name: string, ...given: unknown[]): unknown =>
  (of as Record<string, Call>)[name].call(of, ...given);

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

const refused: [string, () => unknown, RegExp][] = [
  ...[
    ['formatSensitivity', formatSensitivity] as const,
    ['balanceLoad', balanceLoad] as const,
    ['compressionPlan', compressionPlan] as const
  ].map(([name, run]): [string, () => unknown, RegExp] => [
    `${name} of an edited model`,
    () => (run as unknown as Call)(model.with({}), P, { keep: 2 }),
    /the first argument is no model .*loadModel/
  ]),
  [
    'compressionPlan without options',
    () => (compressionPlan as unknown as Call)(model, P),
    /no options are given .*keep/
  ],
  [
    'compareModels without traces',
    () => (compareModels as unknown as Call)(),
    /no list of traces/
  ],
  [
    'compareModels of null',
    () => (compareModels as unknown as Call)([null, null]),
    /it is no trace \(trace 1 of 2\)/
  ],
  [
    'compareModels of a model',
    () => (compareModels as unknown as Call)([model, model]),
    /it is no trace/
  ],
  [
    'layerVocabulary without options',
    () => call(model, 'layerVocabulary'),
    /no options are given/
  ],
  [
    'layerVocabulary with an unknown effect',
    () =>
      call(model, 'layerVocabulary', { layer: 1, prompts: P, effect: 'bogus' }),
    /there is no effect "bogus" .*total or direct/
  ],
  [
    'neuronEffects without options',
    () => call(model, 'neuronEffects', P[0]),
    /no options are given/
  ],
  [
    'neuronEffects with the target null',
    () => call(model, 'neuronEffects', P[0], { ...NEURONS, target: null }),
    /a target cannot be null/
  ],
  [
    'neuronEffects with a token that is none',
    () =>
      call(model, 'neuronEffects', P[0], {
        ...NEURONS,
        target: { kind: 'logit', token: null }
      }),
    /cannot be the token null/
  ],
  [
    'causalExperts without options',
    () => call(model, 'causalExperts', P),
    /no options are given/
  ],
  ...(
    [
      [undefined, /no criterion is given/],
      [null, /a criterion cannot be null/],
      ['own', /a criterion cannot be "own"/],
      [{}, /no token, text, pattern or score/],
      [{ score: 3 }, /the score of a criterion cannot be 3/],
      [{ text: 'foo' }, /the text of a criterion cannot be "foo"/],
      [{ pattern: 'yes' }, /the pattern of a criterion cannot be "yes"/],
      [{ token: null }, /the token of a criterion cannot be null/],
      [{ token: 5, text: 'own' }, /the criterion has token and text/]
    ] as [unknown, RegExp][]
  ).map(([criterion, message]): [string, () => unknown, RegExp] => [
    `causalExperts with the criterion ${JSON.stringify(criterion)}`,
    () => call(model, 'causalExperts', P, { criterion }),
    message
  ]),
  ...(
    [
      [[null], /the change of a neuron cannot be null/],
      [{}, /neurons cannot be \{\}/],
      [[{ neuron: 0, value: 0, factor: 2 }], /both a value and a factor/]
    ] as [unknown, RegExp][]
  ).map(([neurons, message]): [string, () => unknown, RegExp] => [
    `changeNeurons with ${JSON.stringify(neurons)}`,
    () => call(model, 'changeNeurons', P[0], { ...NEURONS, neurons }),
    message
  ])
];

it.each(refused)('%s', async (_, run, message) => {
  await expect((async () => run())()).rejects.toMatchObject(refusal(message));
});
