import type { IToolProps } from '../tool';
import type { AttributionModel } from './model';

/** Properties of the parts of the view. */
export type IAttributionProps = IToolProps<AttributionModel>;
