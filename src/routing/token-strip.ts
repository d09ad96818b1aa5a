import { tokenText } from 'moe-debugger/charts';
import { NO_TOKEN_ID, type Token } from 'moe-debugger/protocol';
import type { IPaneOptions } from './pane-chart';
import { Drawing, takeKeys } from '../drawing';

/** Maximum number of tokens, since each is an element; the rest is given as a count. */
const MAX_TOKENS = 1024;
const LONGEST_TEXT = 40;

/**
 * The tokens as running text. Tokens that select the cursor's expert are coloured by their weight, so that a click
 * on a cell shows the tokens of its expert.
 */
export class TokenStrip extends Drawing {
  constructor(private _options: IPaneOptions) {
    super('moe-TokenStrip');
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', _options.trans.__('Tokens'));
    this.node.tabIndex = 0;
    takeKeys(this.node);
    this.node.addEventListener('click', this);
    this.redraw();
  }

  handleEvent(event: Event): void {
    const target = event.target as HTMLElement | null;
    const index = target?.dataset.token;
    if (index !== undefined) {
      this._choose(Number(index));
    }
  }

  /** Follows a change of layer or sample: encoder and decoder layers have different tokens. */
  redraw(): void {
    const { model, pane, trans } = this._options;
    const tokens = model.tokens(pane);
    if (tokens !== this._tokens) {
      const had = this._tokens;
      this._tokens = tokens;
      const isLonger =
        had !== undefined &&
        had.length > 0 &&
        tokens[had.length - 1] === had[had.length - 1];
      const kept = isLonger ? this._nodes : [];
      const fresh = tokens
        .slice(kept.length, MAX_TOKENS)
        .map((token, i) => this._node(token, kept.length + i));
      this._nodes = [...kept, ...fresh];
      const rest = tokens.length - this._nodes.length;
      this._more.textContent =
        rest > 0
          ? trans._n('… and %1 more token', '… and %1 more tokens', rest)
          : '';
      if (isLonger) {
        this._more.before(...fresh);
      } else {
        this.node.replaceChildren(...this._nodes, this._more);
      }
    }
    this.mark();
  }

  /** Colours the tokens of the cursor's expert. */
  mark(): void {
    const { model, pane } = this._options;
    const layer = model.layer(pane);
    const cursor = model.cursor;
    if (!cursor && !this._isMarked) {
      return;
    }
    this._isMarked = cursor !== null;
    this._nodes.forEach((node, token) => {
      const reading =
        layer && cursor
          ? model.read({ pane, token, expert: cursor.expert })
          : undefined;
      // A selection whose weight was not recorded is tinted in full.
      const weight =
        (reading?.rank ?? null) === null
          ? 0
          : (reading!.weight ?? model.ceiling);
      const share = Math.round(
        Math.min(1, Math.max(0, weight / model.ceiling)) * 70
      );
      node.style.setProperty('--moe-token-share', `${share}%`);
      node.classList.toggle(
        'moe-mod-current',
        cursor?.pane === pane && cursor.token === token
      );
    });
  }

  private _node(token: Token, index: number): HTMLElement {
    const { trans } = this._options;
    const node = document.createElement('span');
    node.className = 'moe-TokenStrip-token';
    node.dataset.token = String(index);
    node.textContent = tokenText(token).slice(0, LONGEST_TEXT);
    node.title =
      token.id === NO_TOKEN_ID
        ? trans.__('token %1', token.position)
        : trans.__('token %1, id %2', token.position, token.id);
    return node;
  }

  private _choose(token: number): void {
    const { model, pane } = this._options;
    const layer = model.layer(pane);
    if (layer) {
      model.cursor = {
        pane,
        token,
        expert: Math.max(0, layer.selected[token * layer.topK] ?? 0)
      };
    }
  }

  private _isMarked = false;
  private _more = document.createTextNode('');
  private _nodes: HTMLElement[] = [];
  private _tokens: readonly Token[] | undefined;
}
