import type { IToolProps } from '../tool';
import type { CircuitModel } from './model';

/** Properties of the parts of the view. */
export type ICircuitProps = IToolProps<CircuitModel>;
