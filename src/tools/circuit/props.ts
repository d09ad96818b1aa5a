import type { IToolProps } from '../tool';
import type { CircuitModel } from './model';

/** What the parts of the view share. */
export type ICircuitProps = IToolProps<CircuitModel>;
