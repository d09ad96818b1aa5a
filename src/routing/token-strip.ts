import { characterRuns } from 'moe-debugger/charts';
import { NO_TOKEN_ID, type Token } from 'moe-debugger/protocol';
import { tokenLabels, type ILabel } from './heatmap/labels';
import type { IPaneOptions } from './pane-options';
import { Drawing, takeKeys } from '../drawing';

/** Maximum number of tokens, since each is an element; the rest is given as a count. */
const MAX_TOKENS = 1024;

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
    this.node.append(this._more);
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
      this._tokens = tokens;
      const pieces = tokenLabels(tokens, characterRuns(tokens), {
        from: 0,
        to: MAX_TOKENS
      });
      // Rows that come leave the pieces before them as they are.
      const kept = this._pieces.findIndex(
        ({ text, from, to, token }, i) =>
          pieces[i]?.text !== text ||
          pieces[i].from !== from ||
          pieces[i].to !== to ||
          tokens[from] !== token
      );
      const same = kept < 0 ? this._pieces : this._pieces.slice(0, kept);
      this._pieces.slice(same.length).forEach(({ node }) => node.remove());
      const fresh = pieces.slice(same.length).map(piece => ({
        ...piece,
        token: tokens[piece.from],
        node: this._node(piece, tokens[piece.from])
      }));
      this._pieces = [...same, ...fresh];
      this._more.before(...fresh.map(({ node }) => node));
      const rest = tokens.length - (pieces.at(-1)?.to ?? 0);
      this._more.textContent =
        rest > 0
          ? trans._n('… and %1 more token', '… and %1 more tokens', rest)
          : '';
    }
    this.mark();
  }

  /** Colours the tokens of the cursor's expert. */
  mark(): void {
    const { model, pane } = this._options;
    const { cursor } = model;
    if (!cursor && !this._isMarked) {
      return;
    }
    this._isMarked = cursor !== null;
    for (const { node, from, to } of this._pieces) {
      const share = cursor ? this._share(from, to, cursor.expert) : 0;
      node.style.setProperty('--moe-token-share', `${share}%`);
      node.classList.toggle(
        'moe-mod-current',
        cursor?.pane === pane && cursor.token >= from && cursor.token < to
      );
    }
  }

  /** Largest weight of an expert for some tokens, in percent of the tint. */
  private _share(from: number, to: number, expert: number): number {
    const { model, pane } = this._options;
    let most = 0;
    for (let token = from; token < to; token++) {
      const reading = model.read({ pane, token, expert });
      // A selection whose weight was not recorded is tinted in full.
      const weight =
        (reading?.rank ?? null) === null
          ? 0
          : (reading!.weight ?? model.ceiling);
      most = Math.max(most, Math.min(1, weight / model.ceiling));
    }
    return Math.round(most * 70);
  }

  private _node({ text, from, to }: ILabel, token: Token): HTMLElement {
    const { trans } = this._options;
    const node = document.createElement('span');
    node.className = 'moe-TokenStrip-token';
    node.dataset.token = String(from);
    node.textContent = text;
    node.title =
      to - from > 1
        ? trans.__(
            'tokens %1 to %2, parts of one character',
            token.position,
            token.position + to - from - 1
          )
        : token.id === NO_TOKEN_ID
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
  private _pieces: (ILabel & { node: HTMLElement; token: Token })[] = [];
  private _tokens: readonly Token[] | undefined;
}
