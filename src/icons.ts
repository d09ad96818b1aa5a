import { LabIcon } from '@jupyterlab/ui-components';
import svgstr from '../style/icons/moe-debugger.svg';

/** Cells of a heatmap, some of them selected. */
export const moeDebuggerIcon = new LabIcon({
  name: 'moe-debugger:icon',
  svgstr
});
