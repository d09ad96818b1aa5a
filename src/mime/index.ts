export { LiveLink } from './live-link';
export { RoutingRenderer, rendererFactory } from './renderer';
