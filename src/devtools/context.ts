import type { Selection, ITraceSource } from '../source';
import type { ITranslation } from '../translation';
import type { NetworkModel } from './network/model';

/** What a view of the workbench gets: one place that traces are read from, and the selection in it. */
export interface IViewContext {
  readonly source: ITraceSource;
  readonly selection: Selection;
  /** The list of tokens, which other views filter. */
  readonly network: NetworkModel;
  readonly trans: ITranslation;
  /** Shows another view. */
  open(view: string): void;
}

export interface IViewProps {
  context: IViewContext;
  /** Whether the view is on the screen: a hidden one asks for nothing on its own. Default true. */
  isShown?: boolean;
}

/** Shows the tokens that a filter accepts. */
export function showTokens(context: IViewContext, filter: string): void {
  context.network.filter = filter;
  context.open('network');
}
