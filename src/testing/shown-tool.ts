/** A tool on a page, with a kernel that a test controls. */
import { nullTranslator } from '@jupyterlab/translation';
import { ToolFrame, type IToolKind } from '../tools';
import { FakeLink } from './fake-link';
import { act } from './react';

export class ShownTool {
  readonly link: FakeLink;
  readonly node: HTMLElement;
  private _frame!: ToolFrame;

  constructor(
    kind: IToolKind,
    state: object,
    options: { isLive?: boolean } = {}
  ) {
    this.link = new FakeLink(state);
    this.link.isLive = options.isLive ?? true;
    const tool = kind.open({ modelName: 'demo', state });
    tool.model.link = this.link;
    act(() => {
      this._frame = new ToolFrame({ tool, trans: nullTranslator.load('') });
    });
    this.node = this._frame.node;
    document.body.append(this.node);
  }

  /** The element with this accessible name. */
  labelled<T extends HTMLElement = HTMLElement>(label: string): T {
    const found = this.node.querySelector<T>(`[aria-label="${label}"]`);
    if (!found) {
      throw new Error(`nothing is labelled ${label}`);
    }
    return found;
  }

  button(text: string): HTMLButtonElement {
    const found = [...this.node.querySelectorAll('button')].find(
      ({ textContent }) => textContent === text
    );
    if (!found) {
      throw new Error(`no button says ${text}`);
    }
    return found;
  }

  press(button: HTMLElement | string): void {
    const target = typeof button === 'string' ? this.button(button) : button;
    act(() => target.click());
  }

  tell(patch: object): void {
    act(() => this.link.tell(patch));
  }

  /** The texts of all elements that a selector finds. */
  texts(selector: string): string[] {
    return [...this.node.querySelectorAll(selector)].map(
      ({ textContent }) => textContent!
    );
  }

  /** The cells of each row of the table with this name. */
  table(label: string): string[][] {
    return [...this.labelled(label).querySelectorAll('tbody tr')].map(row =>
      [...row.children].map(({ textContent }) => textContent!)
    );
  }

  dispose(): void {
    act(() => this._frame.dispose());
    this.node.remove();
  }
}
