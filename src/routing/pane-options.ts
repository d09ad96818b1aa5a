import type { ITranslation } from '../translation';
import type { RoutingModel } from './model';

/**
 * How much of a heatmap is drawn. small: all tokens of one layer, for a side panel; normal: with the tokens, their labels,
 * search and zoom; large: with the other layers around the one in focus, in place of the running text.
 */
export type RoutingSize = 'small' | 'normal' | 'large';

/** What a pane and its parts draw. */
export interface IPaneOptions {
  model: RoutingModel;
  /** Index of the pane; 0 without a comparison. */
  pane: number;
  trans: ITranslation;
}

/** The same with the size of the heatmap. */
export interface ISizedPaneOptions extends IPaneOptions {
  size: RoutingSize;
}
