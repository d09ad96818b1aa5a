export { findExperts } from './find-experts';
export type { Expert, ExpertWeight, WeightRole } from './expert';
