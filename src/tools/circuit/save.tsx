import { circuitDot, circuitMermaid } from 'moe-debugger/charts';
import { OWN_KEYS, download } from '../../drawing';
import type { ICircuitProps } from './props';

/** Saves the shown circuit to a file, by the browser, without a kernel. */
export function SaveButtons({ model, trans }: ICircuitProps): JSX.Element {
  const circuit = model.state.circuit!;
  const { threshold } = model;
  const formats: [string, string, () => string][] = [
    ['DOT', 'circuit.dot', () => circuitDot(circuit, { threshold })],
    ['Mermaid', 'circuit.mmd', () => circuitMermaid(circuit, { threshold })],
    [
      'JSON',
      'circuit.json',
      () => `${JSON.stringify({ ...circuit, threshold })}\n`
    ]
  ];
  return (
    <div
      className="moe-CircuitSave"
      role="group"
      aria-label={trans.__('Save the circuit')}
    >
      <span>{trans.__('Save as')}</span>
      {formats.map(([name, file, write]) => (
        <button
          {...OWN_KEYS}
          key={name}
          className="moe-Button"
          onClick={() => download(file, write())}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
