/** Expert behaviour: roles, contexts, triggers, and routing statistics of a trace. */
export {
  analyze,
  type Analysis,
  type AnalyzedLayer,
  type AnalyzeOptions
} from './analyze';
export type { Forecast, NoForecast } from '../findings/changes/forecast';
export {
  expertRoles,
  type ExpertRole,
  type Leaning,
  type Role
} from '../findings/roles';
export { sideBySide, type ModelAtDepth, type SideBySide } from './side-by-side';
export {
  contextStability,
  tokenSetSimilarity,
  vocabularyOf
} from './token-ids';
