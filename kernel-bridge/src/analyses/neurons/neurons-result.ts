/** Result of asking which neurons of an expert matter. */
import { printableLine } from '../../base/printable';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted, describeCircuitTarget, layerName } from '../../base/protocol';
import { tableBundle, type ResultTable } from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import type { NeuronEffect, NeuronsDocument } from './document';

/** Text is for people; programs read the document. */
const MAX_LINES = 20;

export class NeuronEffects implements Displayable {
  /** All neurons of the expert, strongest first-order effect first. */
  readonly neurons: readonly NeuronEffect[];
  /** Of first-order with measured effects. */
  readonly correlation: NeuronsDocument['correlation'];

  constructor(readonly data: NeuronsDocument) {
    this.neurons = data.neurons;
    this.correlation = data.correlation;
  }

  toJSON(): NeuronsDocument {
    return this.data;
  }

  toString(): string {
    const more = this.neurons.length - MAX_LINES;
    return [
      this._title,
      ...this.neurons
        .slice(0, MAX_LINES)
        .map(
          ({ neuron, activation, effect, measured }) =>
            `  neuron ${neuron}: ${effect.toPrecision(3)}${measured === undefined ? '' : `, measured ${measured.toPrecision(3)}`}, activation ${activation.toPrecision(3)}`
        ),
      ...(more > 0 ? [`  ... and ${more} weaker ones`] : []),
      ...this.data.notes.map(note => `note: ${note}`)
    ].join('\n');
  }

  /**
   * Writes it to a file atomically: .json, .csv or .html.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(
      file,
      resultForms(this, () => this._table)
    );
  }

  [MIMEBUNDLE](): JsonObject {
    return tableBundle(this._table, this.toString());
  }

  private get _title(): string {
    const { model, expert, target, to, value, positions } = this.data;
    return `Neurons of ${layerName(this.data)} expert ${expert} of ${printableLine(model)}, clamped to ${to} at ${counted(positions.length, 'token')}: change of ${describeCircuitTarget(target)}, which is ${value.toPrecision(4)}`;
  }

  private get _table(): ResultTable {
    return {
      title: this._title,
      columns: [
        'neuron',
        'activation',
        'effect, first order',
        'effect, measured'
      ],
      rows: this.neurons.map(({ neuron, activation, effect, measured }) => [
        neuron,
        activation,
        effect,
        measured ?? null
      ]),
      notes: this.data.notes
    };
  }
}
