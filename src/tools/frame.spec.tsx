import { nullTranslator } from '@jupyterlab/translation';
import type { LensState } from 'moe-debugger/protocol';
import { FakeLink } from '../testing/fake-link';
import { act, type } from '../testing/react';
import { ToolFrame } from './frame';
import lens from './lens';
import type { ITool } from './tool';

const trans = nullTranslator.load('');
const STATE: LensState = {
  running: false,
  prompt: 'a b',
  lens: null,
  done: 0,
  total: 0,
  refusal: null
};
const ADVICE =
  'Type a prompt above and press Read: the top next tokens of each layer appear here.';

/** A lens, as in an output. */
function shown(options: { notice?: string; link?: FakeLink }): {
  frame: ToolFrame;
  tool: ITool;
  root: HTMLElement;
} {
  const tool = lens.open({ modelName: 'demo', state: STATE });
  tool.model.link = options.link;
  let frame!: ToolFrame;
  act(() => {
    frame = new ToolFrame({
      tool,
      trans,
      title: tool.model.modelName,
      notice: options.notice
    });
  });
  return {
    frame,
    tool,
    root: frame.node.querySelector<HTMLElement>('.moe-ToolFrame')!
  };
}

const texts = (root: HTMLElement, selector: string) =>
  [...root.querySelectorAll(selector)].map(({ textContent }) => textContent);

describe('ToolFrame', () => {
  it('says that there is no kernel, and disables its controls', () => {
    const { root } = shown({ notice: 'No kernel.' });
    expect(root.dataset.moeLive).toBe('false');
    expect(texts(root, '[role=note]')).toEqual(['No kernel.']);
    expect(texts(root, '.moe-Message')).toEqual([ADVICE]);
    expect(root.querySelector('textarea')!.readOnly).toBe(true);
    expect(root.querySelector<HTMLButtonElement>('button')!.disabled).toBe(
      true
    );
  });

  it('shows a result without a notice', () => {
    const { root } = shown({});
    expect(root.classList.contains('moe-mod-static')).toBe(true);
    expect(texts(root, '[role=note]')).toEqual([]);
  });

  it('sends, shows progress, cancels, and shows the refusal', () => {
    const link = new FakeLink(STATE);
    const { root } = shown({ notice: 'No kernel.', link });
    expect(root.dataset.moeLive).toBe('true');
    expect(texts(root, '[role=note]')).toEqual([]);
    type(root.querySelector('textarea')!, 'c d');
    act(() => root.querySelector('form')!.requestSubmit());
    expect(link.sent).toEqual([{ do: 'read', prompt: 'c d' }]);

    act(() => link.tell({ running: true, total: 0 }));
    expect(root.dataset.moeRunning).toBe('true');
    const bar = root.querySelector('progress')!;
    expect(bar.hasAttribute('value')).toBe(false);
    act(() => link.tell({ done: 3, total: 4 }));
    expect([bar.value, bar.max]).toEqual([3, 4]);
    expect(texts(root, '.moe-Message')).toEqual(['Reading…']);
    expect(texts(root, 'button')).toEqual(['Cancel']);
    act(() => root.querySelector('button')!.click());
    expect(link.sent[1]).toEqual({ do: 'cancel' });

    act(() =>
      link.tell({ running: false, refusal: { row: null, text: 'Too long.' } })
    );
    expect(texts(root, '[role=alert]')).toEqual(['Too long.']);
    expect(texts(root, 'button')).toEqual(['Read']);
    expect(texts(root, 'progress')).toEqual([]);
  });

  it('keeps its content when the kernel sends an invalid state, and says so', () => {
    const link = new FakeLink(STATE);
    const { root } = shown({ notice: '', link });
    act(() => link.tell({ prompt: 7 }));
    expect(texts(root, '.moe-Message')).toEqual([ADVICE]);
    expect(texts(root, '.moe-ErrorBox strong')).toEqual([
      'What the kernel sent cannot be shown.'
    ]);
    act(() => link.tell({ prompt: 'a b' }));
    expect(texts(root, '.moe-ErrorBox')).toEqual([]);
  });

  it('says that it waits while the kernel has not begun with an action, and keeps what is typed', () => {
    jest.useFakeTimers();
    const link = new FakeLink({ ...STATE, acted: 0 });
    const { root } = shown({ notice: '', link });
    const waits = () => root.dataset.moeWaiting === 'true';
    const box = root.querySelector('textarea')!;
    type(box, 'first');
    act(() => root.querySelector('form')!.requestSubmit());
    act(() => jest.advanceTimersByTime(100));
    expect(waits()).toBe(false);
    act(() => jest.advanceTimersByTime(1000));
    expect(waits()).toBe(true);
    expect(texts(root, '[role=status]')).toEqual([
      expect.stringMatching(/^Waiting: the kernel runs a cell/)
    ]);
    type(box, 'second, typed meanwhile');
    // A change that is no answer.
    act(() => link.tell({ done: 0 }));
    expect(waits()).toBe(true);
    act(() => link.tell({ acted: 1, prompt: 'first', running: true }));
    expect(waits()).toBe(false);
    expect(texts(root, '[role=status]')).toEqual([]);
    expect(box.value).toBe('second, typed meanwhile');

    // Received, but the engine serves others first.
    act(() => link.tell({ queued: true }));
    expect(waits()).toBe(true);
    expect(texts(root, '[role=status]')).toHaveLength(1);
    expect(texts(root, 'progress')).toEqual([]);
    expect(texts(root, '.moe-Message')).toEqual([]);
    expect(texts(root, 'button')).toEqual(['Cancel']);
    act(() => link.tell({ queued: false }));
    expect(waits()).toBe(false);
    expect(texts(root, '.moe-Message')).toEqual(['Reading…']);
    act(() => link.tell({ running: false }));

    // An answer that comes soon, and a kernel that counts nothing, show no waiting.
    act(() => root.querySelector('form')!.requestSubmit());
    act(() => link.tell({ acted: 2 }));
    act(() => jest.advanceTimersByTime(1000));
    expect(waits()).toBe(false);
    act(() => link.tell({ acted: undefined }));
    act(() => root.querySelector('form')!.requestSubmit());
    act(() => jest.advanceTimersByTime(1000));
    expect(waits()).toBe(false);
    jest.useRealTimers();
  });

  it('leaves Enter and undo in its fields to the browser', () => {
    const { root, frame } = shown({ notice: '', link: new FakeLink(STATE) });
    const prevented: string[] = [];
    const box = root.querySelector('textarea')!;
    document.body.append(frame.node);
    // As JupyterLab does, on the field itself.
    box.addEventListener('beforeinput', event => {
      event.preventDefault();
      prevented.push(event.inputType);
    });
    const events = ['insertLineBreak', 'historyUndo', 'historyRedo'].map(
      inputType =>
        new InputEvent('beforeinput', {
          inputType,
          bubbles: true,
          cancelable: true
        })
    );
    expect(events.map(event => box.dispatchEvent(event))).toEqual([
      true,
      true,
      true
    ]);
    expect(prevented).toEqual([]);
  });

  it('disposes its tool', () => {
    const { frame, tool } = shown({});
    act(() => frame.dispose());
    expect(tool.model.isDisposed).toBe(true);
  });
});
