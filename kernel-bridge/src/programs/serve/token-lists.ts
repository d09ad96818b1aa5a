/** Outlines and pages of tokens of the traces that are kept. */
import { tokenList, traceOutline } from '../../analyses/on-demand';
import type { ListedTrace, TokenList } from '../../analyses/tokens/token-list';
import {
  encodeOutline,
  encodeTokenPage,
  extractBuffers,
  type EncodedOutline,
  type EncodedTokenPage,
  type Extracted,
  type RoutingSample,
  type TokenQuestion
} from '../../base/protocol';
import { sessionStore } from '../../api/store';
import { storedTrace } from './stored-trace';

type Encoded<State> = { state: State } & Pick<
  Extracted,
  'bufferPaths' | 'buffers'
>;

/** @throws MoEDebuggerError 'input' for a trace that is no longer kept */
export function outlineStored(id: string): Encoded<EncodedOutline> {
  const { model, samples } = listed(id);
  return encoded(encodeOutline(traceOutline(model, samples)));
}

/** The lists of one client: the one that it reads page by page is kept. */
export class TokenLists {
  private _list: { key: object; list: TokenList } | undefined;

  /** @throws MoEDebuggerError 'input' for a trace that is no longer kept */
  page(id: string, question: TokenQuestion): Encoded<EncodedTokenPage> {
    const { key, ...trace } = listed(id);
    if (this._list?.key !== key) {
      this._list = { key, list: tokenList(trace) };
    }
    return encoded(encodeTokenPage(this._list.list.page(question)));
  }
}

/** @returns `key` changes when the trace does */
function listed(
  id: string
): ListedTrace & { key: object; model: string; samples: RoutingSample[] } {
  const running = sessionStore().running(id);
  if (running) {
    const { sample, model } = running;
    return { key: sample, model, samples: [sample], cards: [], edits: [] };
  }
  const { trace } = storedTrace(id);
  const { model, samples, cards, edits } = trace;
  return { key: trace, model, samples: [...samples], cards, edits };
}

function encoded<State extends object>(value: State): Encoded<State> {
  const { state, ...arrays } = extractBuffers(value);
  return { state: state as State, ...arrays };
}
