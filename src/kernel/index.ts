export { KernelChannel } from './channel';
export { KernelFollower } from './follower';
export { NotebookKernels, type INotebookKernel } from './notebook-kernels';
export { PanelTool } from './panel-tool';
export { TraceQuestion } from './trace-question';
