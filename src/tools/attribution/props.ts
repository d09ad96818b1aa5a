import type { IToolProps } from '../tool';
import type { AttributionModel } from './model';

/** What the parts of the view share. */
export type IAttributionProps = IToolProps<AttributionModel>;
