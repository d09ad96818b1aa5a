/** The routing view that outputs, widgets and the side panel share. */
export { coverageText, type ICoverage } from './coverage';
export { checkDrawable } from './limits';
export { LiveLink } from './live-link';
export type { RoutingSize } from './pane-options';
export { RoutingModel } from './model';
export { RoutingView } from './view';
