/** `moe-debugger/compat`: the names of the projects that this one grew from, over `model.session()`. */
export { MoEDebugger } from './moe-debugger';
export type { DebuggerSettings } from './settings';
export type { ProfileOptions } from '../tracing-session';
export type {
  DiagnosticResult,
  ExpertMetrics,
  PerformanceMetrics,
  RoutingEvent,
  RoutingStats,
  SessionDocument,
  SessionSummary
} from '../records';
