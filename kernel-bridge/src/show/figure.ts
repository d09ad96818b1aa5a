/** A figure: displays as a chart in a cell, and provides its data to programs. */
import { resultForms, saveResult } from './save-result';
import {
  described,
  drawingSpec,
  VEGA_LITE_5,
  type VegaLiteSpec
} from '../base/charts';
import { specSvg } from './still-svg';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { VEGALITE_MIME_TYPE, type Drawing } from '../base/protocol';

export class Figure<Data extends object> implements Displayable {
  /** The data that is drawn. */
  readonly data: Data;
  readonly drawing: Drawing;
  private readonly _text: string;

  /** @param text the figure as text, for places that show nothing else */
  constructor(data: Data, drawing: Drawing, text: string) {
    this.data = data;
    this.drawing = drawing;
    this._text = text;
  }

  /** The Vega-Lite specification, for drawing it elsewhere. */
  get spec(): VegaLiteSpec {
    return described(drawingSpec(this.drawing), this._description);
  }

  /** The text without its tables. */
  private get _description(): string {
    return this._text.split('\n', 1)[0];
  }

  toJSON(): Data {
    return this.data;
  }

  toString(): string {
    return this._text;
  }

  /**
   * Writes it to a file atomically: .json or .svg.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this),
      '.svg': () => specSvg(this.spec)
    });
  }

  async [MIMEBUNDLE](): Promise<JsonObject> {
    return {
      [VEGALITE_MIME_TYPE]: described(
        drawingSpec(this.drawing, { schema: VEGA_LITE_5 }),
        this._description
      ),
      'image/svg+xml': await specSvg(this.spec),
      'text/plain': this._text
    };
  }
}
