import { Elements } from '../devtools/elements';
import { Findings } from '../devtools/findings';
import { Overview } from '../devtools/overview';
import { Performance } from '../devtools/performance';
import type { ViewName } from '../devtools/titles';
import { ExperimentsView } from './experiments-view';
import { MeasuresPanel } from './measures';
import { NetworkView } from './network-view';
import { SourceView } from './source-view';
import { ToolPanel } from './tool';
import type { CreateView } from './view-kinds';

/** What each tab of a workbench contains; their order and titles are in `devtools/titles.ts`. */
export const VIEWS: Readonly<Record<ViewName, CreateView>> = {
  overview: options => new SourceView(options, Overview, 'moe-OverviewView'),
  elements: options => new SourceView(options, Elements, 'moe-ElementsView'),
  network: options => new NetworkView(options),
  lens: ({ model, context }) => new ToolPanel({ name: 'lens', model, context }),
  experiments: options => new ExperimentsView(options),
  performance: options =>
    new SourceView(options, Performance, 'moe-PerformanceView'),
  measures: options => new MeasuresPanel(options),
  findings: options =>
    new SourceView(options, Findings, 'moe-FindingsView-page')
};
