export { RoutingRenderer, rendererFactory } from './renderer';
