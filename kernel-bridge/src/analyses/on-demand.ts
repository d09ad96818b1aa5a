/**
 * Loads each analysis at its first use: a program that only traces does not load gradients, sweeps or diagnosis. `api`,
 * `views` and `programs` call analyses through this file.
 */
import { lazily } from '../base/lazily';

export const attribute = lazily(
  () =>
    require('./attribution/attribute') as typeof import('./attribution/attribute'),
  'attribute'
);
export const targetChoices = lazily(
  () =>
    require('./attribution/target-choices') as typeof import('./attribution/target-choices'),
  'targetChoices'
);
export const readAttention = lazily(
  () =>
    require('./attention/read-attention') as typeof import('./attention/read-attention'),
  'readAttention'
);
export const findHeads = lazily(
  () =>
    require('./attention/find-heads') as typeof import('./attention/find-heads'),
  'findHeads'
);
export const readPipelines = lazily(
  () =>
    require('./behaviour/read-pipelines') as typeof import('./behaviour/read-pipelines'),
  'readPipelines'
);
export const expertPipelines = lazily(
  () =>
    require('./behaviour/trace-pipelines') as typeof import('./behaviour/trace-pipelines'),
  'tracePipelines'
);
export const causalExperts = lazily(
  () =>
    require('./causality/causal-experts') as typeof import('./causality/causal-experts'),
  'causalExperts'
);
export const findCircuit = lazily(
  () =>
    require('./circuits/find-circuit') as typeof import('./circuits/find-circuit'),
  'findCircuit'
);
export const findTaskCircuit = lazily(
  () =>
    require('./circuits/task/find-task-circuit') as typeof import('./circuits/task/find-task-circuit'),
  'findTaskCircuit'
);
export const patchModel = lazily(
  () =>
    require('./patching/patch-cells') as typeof import('./patching/patch-cells'),
  'patchModel'
);
export const runCounterfactual = lazily(
  () =>
    require('./counterfactual/run-counterfactual') as typeof import('./counterfactual/run-counterfactual'),
  'runCounterfactual'
);
export const diagnose = lazily(
  () => require('./findings/diagnose') as typeof import('./findings/diagnose'),
  'diagnose'
);
export const diagnoseModel = lazily(
  () =>
    require('./findings/diagnose-model') as typeof import('./findings/diagnose-model'),
  'diagnoseModel'
);
export const diagnoseOn = lazily(
  () =>
    require('./findings/diagnose-model') as typeof import('./findings/diagnose-model'),
  'diagnoseOn'
);
export const surveyModel = lazily(
  () =>
    require('./findings/survey-model') as typeof import('./findings/survey-model'),
  'surveyModel'
);
export const readLens = lazily(
  () => require('./lens/read-lens') as typeof import('./lens/read-lens'),
  'readLens'
);
export const layerVocabulary = lazily(
  () =>
    require('./lens/vocabulary/layer-vocabulary') as typeof import('./lens/vocabulary/layer-vocabulary'),
  'layerVocabulary'
);
export const expertVocabulary = lazily(
  () =>
    require('./lens/expert-vocabulary') as typeof import('./lens/expert-vocabulary'),
  'expertVocabulary'
);
export const neuronVocabulary = lazily(
  () =>
    require('./lens/neuron-vocabulary') as typeof import('./lens/neuron-vocabulary'),
  'neuronVocabulary'
);
export const neuronEffects = lazily(
  () =>
    require('./neurons/neuron-effects') as typeof import('./neurons/neuron-effects'),
  'neuronEffects'
);
export const changeNeurons = lazily(
  () =>
    require('./neurons/change-neurons') as typeof import('./neurons/change-neurons'),
  'changeNeurons'
);
export const contrastVectors = lazily(
  () =>
    require('./steering/contrast-vectors') as typeof import('./steering/contrast-vectors'),
  'contrastVectors'
);
export const sweep = lazily(
  () => require('./sweep/sweep') as typeof import('./sweep/sweep'),
  'sweep'
);
export const tokenList = lazily(
  () => require('./tokens/token-list') as typeof import('./tokens/token-list'),
  'tokenList'
);
export const traceOutline = lazily(
  () =>
    require('./tokens/trace-outline') as typeof import('./tokens/trace-outline'),
  'traceOutline'
);

export const modelElements = lazily(
  () =>
    require('./elements/model-elements') as typeof import('./elements/model-elements'),
  'modelElements'
);
export const expertElement = lazily(
  () =>
    require('./elements/expert-element') as typeof import('./elements/expert-element'),
  'expertElement'
);

export const profileModel = lazily(
  () =>
    require('./profile/profile-model') as typeof import('./profile/profile-model'),
  'profileModel'
);
