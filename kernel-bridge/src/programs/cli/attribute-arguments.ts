import type {
  AttributionTarget,
  Baseline
} from '../../analyses/attribution/options';
import type { AttributionMethod, QuadratureRule } from '../../base/protocol';

export interface AttributeArguments {
  prompt?: string;
  inputIds?: number[];
  target?: AttributionTarget;
  position?: number;
  method?: AttributionMethod;
  steps?: number;
  rule?: QuadratureRule;
  baseline?: Baseline;
  adaptive?: boolean;
  faithfulness?: boolean;
  layers?: boolean;
  json?: boolean;
}
