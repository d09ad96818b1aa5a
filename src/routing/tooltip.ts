import type { ITranslation } from '../translation';
import type { IDisposable } from '@lumino/disposable';
import type { RoutingModel } from './model';
import { readingRows } from './reading';

/** A cell's values beside the pointer. Texts are set as text: tokens are untrusted input. */
export class Tooltip implements IDisposable {
  constructor(private _host: HTMLElement) {
    this._node = document.createElement('div');
    this._node.className = 'moe-Tooltip';
    this._node.setAttribute('aria-hidden', 'true');
    this._node.hidden = true;
    _host.append(this._node);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  show(
    pointer: { clientX: number; clientY: number },
    reading: RoutingModel.IReading,
    trans: ITranslation
  ): void {
    this._node.replaceChildren(
      ...readingRows(reading, trans).flatMap(([label, value]) => {
        const name = document.createElement('span');
        name.className = 'moe-Tooltip-label';
        name.textContent = label;
        const text = document.createElement('span');
        text.textContent = value;
        return [name, text];
      })
    );
    this._node.hidden = false;
    const host = this._host.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this._node;
    const x = pointer.clientX - host.left;
    const y = pointer.clientY - host.top;
    const beside = x + 14 + offsetWidth > host.width ? -offsetWidth - 10 : 14;
    const under =
      pointer.clientY + 14 + offsetHeight > window.innerHeight
        ? -offsetHeight - 8
        : 14;
    this._node.style.transform = `translate(${Math.max(0, x + beside)}px, ${y + under}px)`;
  }

  hide(): void {
    this._node.hidden = true;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._node.remove();
  }

  private _isDisposed = false;
  private _node: HTMLDivElement;
}
