export { createNotice } from './notice';
export { Workbench } from './workbench';
