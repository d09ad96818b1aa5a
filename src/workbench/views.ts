import { Overview } from '../devtools/overview';
import { FindingsPanel } from '../panels/findings';
import { MeasuresPanel } from '../panels/measures';
import { ToolPanel } from '../panels/tool';
import { TOOLS } from '../tools';
import { ExperimentsView } from './experiments-view';
import { NetworkView } from './network-view';
import { SourceView } from './source-view';
import type { IViewKind } from './view-kinds';

/** The tabs of a workbench, from the left; a view is registered nowhere else. */
export const VIEWS: readonly IViewKind[] = [
  {
    id: 'overview',
    title: ({ trans }) => trans.__('Overview'),
    create: options => new SourceView(options, Overview, 'moe-OverviewView')
  },
  {
    id: 'network',
    title: ({ trans }) => trans.__('Network'),
    create: options => new NetworkView(options)
  },
  {
    id: 'lens',
    title: ({ trans }) => TOOLS.lens.title(trans),
    create: ({ model, context }) =>
      new ToolPanel({ name: 'lens', model, context })
  },
  {
    id: 'experiments',
    title: ({ trans }) => trans.__('Experiments'),
    create: options => new ExperimentsView(options)
  },
  {
    id: 'measures',
    title: ({ trans }) => trans.__('Measures'),
    create: options => new MeasuresPanel(options)
  },
  {
    id: 'findings',
    title: ({ trans }) => TOOLS.findings.title(trans),
    create: options => new FindingsPanel(options)
  }
];
