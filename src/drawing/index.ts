/** Parts of all drawings. Independent of JupyterLab, Lumino's widgets and routing. */
export { Chart, type ChartView } from './chart';
export { chartTheme, type IChartTheme } from './chart-theme';
export { download } from './download';
export { Drawing } from './drawing';
export { element } from './element';
export { ErrorBox, errorBox } from './error-box';
export { FrameAnswers } from './frame-answers';
export { NumberField } from './number-field';
export { OnceAFrame } from './once-a-frame';
export { OWN_KEYS, takeKeys } from './own-keys';
export { ReactDrawing } from './react-drawing';
export { Select } from './select';
export { Slider } from './slider';
export { useDraft } from './use-draft';
export { useSignal } from './use-signal';
