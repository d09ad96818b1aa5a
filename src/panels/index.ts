export { MoEDebuggerPanel } from './panel';
