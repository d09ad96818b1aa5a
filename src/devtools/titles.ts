import type { ITranslation } from '../translation';

/** The tabs of the workbench, from the left, with their titles. */
export const VIEW_TITLES = {
  overview: (trans: ITranslation) => trans.__('Overview'),
  elements: (trans: ITranslation) => trans.__('Elements'),
  network: (trans: ITranslation) => trans.__('Network'),
  lens: (trans: ITranslation) => trans.__('Lens'),
  experiments: (trans: ITranslation) => trans.__('Experiments'),
  performance: (trans: ITranslation) => trans.__('Performance'),
  measures: (trans: ITranslation) => trans.__('Measures'),
  findings: (trans: ITranslation) => trans.__('Findings')
};

export type ViewName = keyof typeof VIEW_TITLES;

export const VIEW_NAMES = Object.keys(VIEW_TITLES) as ViewName[];
