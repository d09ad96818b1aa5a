/** What diagnoses, loaded when somebody asks: programs that trace only never pay for it. */
import { createRequire } from 'node:module';
import type * as Diagnose from './diagnose';
import type * as DiagnoseModel from './diagnose-model';
import type * as SurveyModel from './survey-model';

const load = createRequire(__filename);

export const diagnose: typeof Diagnose.diagnose = (input, options) =>
  (load('./diagnose') as typeof Diagnose).diagnose(input, options);

export const diagnoseModel: typeof DiagnoseModel.diagnoseModel = (
  model,
  options
) =>
  (load('./diagnose-model') as typeof DiagnoseModel).diagnoseModel(
    model,
    options
  );

export const surveyModel: typeof SurveyModel.surveyModel = (...given) =>
  (load('./survey-model') as typeof SurveyModel).surveyModel(...given);
