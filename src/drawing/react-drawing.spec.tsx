import { Signal } from '@lumino/signaling';
import { act, type } from '../testing/react';
import { ReactDrawing } from './react-drawing';
import { Select } from './select';
import { useDraft } from './use-draft';
import { useSignal } from './use-signal';

const source = {};

function drawn(element: JSX.Element): ReactDrawing {
  let drawing!: ReactDrawing;
  act(() => {
    drawing = new ReactDrawing(element, 'moe-Test');
  });
  return drawing;
}

describe('ReactDrawing', () => {
  it('draws into its own element, and removes it when disposed', () => {
    const drawing = drawn(<p>{3}</p>);
    document.body.append(drawing.node);
    expect(drawing.node.outerHTML).toBe('<div class="moe-Test"><p>3</p></div>');
    act(() => drawing.dispose());
    drawing.dispose();
    expect(drawing.isDisposed).toBe(true);
    expect(document.body.innerHTML).toBe('');
  });
});

describe('useSignal', () => {
  it('renders again when the signal is emitted, until it is unmounted', () => {
    const changed = new Signal<object, string>(source);
    let draws = 0;
    const matters = (word: string) => word !== 'cursor';
    const Counter = () => {
      useSignal(changed, matters);
      return <>{++draws}</>;
    };
    const drawing = drawn(<Counter />);
    expect(drawing.node.textContent).toBe('1');
    act(() => changed.emit('layer'));
    expect(drawing.node.textContent).toBe('2');
    act(() => changed.emit('cursor'));
    expect(drawing.node.textContent).toBe('2');
    act(() => drawing.dispose());
    act(() => changed.emit('layer'));
    expect(draws).toBe(2);
  });
});

describe('useDraft', () => {
  it('follows the value until the user types, and another answer resets it', () => {
    const changed = new Signal<object, void>(source);
    let value = 'asked';
    let answer = 1;
    const Field = () => {
      useSignal(changed);
      const [draft, setDraft] = useDraft(value, answer);
      return (
        <input value={draft} onChange={event => setDraft(event.target.value)} />
      );
    };
    const { node } = drawn(<Field />);
    const field = node.querySelector('input')!;
    value = 'changed';
    act(() => changed.emit());
    expect(field.value).toBe('changed');
    type(field, 'typed');
    act(() => changed.emit());
    expect(field.value).toBe('typed');
    value = 'asked';
    act(() => changed.emit());
    expect(field.value).toBe('typed');
    answer = 2;
    act(() => changed.emit());
    expect(field.value).toBe('asked');
    // What was typed is submitted, and comes back: the field follows the value again.
    type(field, 'typed');
    value = 'typed';
    act(() => changed.emit());
    value = 'another';
    act(() => changed.emit());
    expect(field.value).toBe('another');
  });
});

describe('Select', () => {
  it('returns the selected value with its type', () => {
    const chosen: number[] = [];
    const label = 'Router';
    const { node } = drawn(
      <Select
        label={label}
        value={0}
        options={[
          [0, 'layer 0'],
          [7, 'layer 7']
        ]}
        choose={value => chosen.push(value)}
      />
    );
    const select = node.querySelector('select')!;
    expect(select.getAttribute('aria-label')).toBe('Router');
    expect([...select.options].map(({ text }) => text)).toEqual([
      'layer 0',
      'layer 7'
    ]);
    type(select, '7');
    expect(chosen).toEqual([7]);
  });
});
