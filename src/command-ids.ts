import { NAMESPACE } from './tokens';

/** Ids of the extension's commands. */
export namespace CommandIDs {
  export const openPanel = `${NAMESPACE}:open-panel`;
  export const openWorkbench = `${NAMESPACE}:open-devtools`;
  export const openTool = `${NAMESPACE}:open-tool`;
  export const newNotebook = `${NAMESPACE}:new-notebook`;
  export const nextLayer = `${NAMESPACE}:next-layer`;
  export const previousLayer = `${NAMESPACE}:previous-layer`;
  export const setLayer = `${NAMESPACE}:set-layer`;
  export const setMeasure = `${NAMESPACE}:set-measure`;
  export const toggleTable = `${NAMESPACE}:toggle-table`;
}
