export { KernelChannel } from './channel';
export { KernelFollower } from './follower';
export { PanelFindings } from './panel-findings';
export { PanelTool } from './panel-tool';
