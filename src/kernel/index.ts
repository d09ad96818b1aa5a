export { KernelChannel } from './channel';
export { KernelFollower } from './follower';
export { PanelTool } from './panel-tool';
export { TraceQuestion } from './trace-question';
