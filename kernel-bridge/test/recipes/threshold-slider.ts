import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../src/base/kernel-api';
import { DOMWidget, type DOMWidgetState } from '../../src/show/widgets/widget';

interface ThresholdState extends DOMWidgetState {
  value: number;
}

/** A slider from 0 to 1. Code in a cell reads its value, and is called when the user moves it. */
export class ThresholdSlider implements Displayable {
  private readonly _widget: DOMWidget<ThresholdState>;

  /** @throws MoEDebuggerError 'environment' outside the kernel */
  constructor(value = 0.5) {
    this._widget = new DOMWidget<ThresholdState>(
      { model: 'ThresholdModel', view: 'ThresholdView' },
      { value }
    );
  }

  get value(): number {
    return checked(this._widget.get('value'));
  }

  /** Returns a function that removes the callback. */
  onChange(callback: (value: number) => void): () => void {
    return this._widget.observe('value', value => callback(checked(value)));
  }

  [MIMEBUNDLE](): JsonObject | Promise<JsonObject> {
    return this._widget[MIMEBUNDLE]();
  }
}

/** The value from the page is untrusted input. */
function checked(value: unknown): number {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : 0;
}
