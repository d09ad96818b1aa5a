import type { PreviousEnd } from 'moe-debugger/protocol';
import { ReactDrawing } from '../drawing';
import { testContext } from '../testing/context';
import { act } from '../testing/react';
import { PreviousEndLine } from './previous-end';

const { trans } = testContext();

function shown(end: PreviousEnd | undefined): string {
  let drawing!: ReactDrawing;
  act(() => {
    drawing = new ReactDrawing(<PreviousEndLine end={end} trans={trans} />);
  });
  const text = drawing.node.textContent!;
  act(() => drawing.dispose());
  return text;
}

const LOST = ' Variables and loaded models are lost.';

it('says how the last kernel ended, as text', () => {
  expect(shown(undefined)).toBe('');
  expect(shown({ cause: 'exit', code: 3 })).toBe(
    `The last kernel ended, because a cell called process.exit(3).${LOST}`
  );
  expect(shown({ cause: 'memory' })).toMatch(
    /ran out of memory\. Process less .*NODE_OPTIONS=--max-old-space-size=MEGABYTES\. Variables/
  );
  expect(shown({ cause: 'crash', error: '<b>V8</b>' })).toBe(
    `The last kernel crashed: <b>V8</b>.${LOST}`
  );
  expect(shown({ cause: 'killed' })).toMatch(/^The last kernel was killed/);
});
