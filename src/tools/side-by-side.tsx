import type { ITranslation } from '../translation';
import { tokenText } from 'moe-debugger/charts';
import {
  changedTokens,
  type GeneratedText,
  type GeneratedToken
} from 'moe-debugger/protocol';

interface ISideBySideProps {
  original: GeneratedText | null;
  edited: GeneratedText | null;
  /** Messages in place of missing texts. */
  empty: { original: string; edited: string };
  /** Title of the second text. */
  title: string;
  trans: ITranslation;
}

/** Two texts; marks tokens of the second that differ from the first at the same position. */
export function SideBySide(props: ISideBySideProps): JSX.Element {
  const { original, edited, empty, trans } = props;
  const changed =
    original && edited ? changedTokens(original.tokens, edited.tokens) : [];
  return (
    <>
      <div className="moe-SideBySide">
        <Text
          title={trans.__('Original')}
          text={original}
          changed={[]}
          empty={empty.original}
          trans={trans}
        />
        <Text
          title={props.title}
          text={edited}
          changed={changed}
          empty={empty.edited}
          trans={trans}
        />
      </div>
      <p className="moe-SideBySide-summary" role="status">
        {summary(original, edited, changed, trans)}
      </p>
    </>
  );
}

function Text(props: {
  title: string;
  text: GeneratedText | null;
  changed: readonly boolean[];
  empty: string;
  trans: ITranslation;
}): JSX.Element {
  const { title, text, changed, empty, trans } = props;
  const first = changed.indexOf(true);
  return (
    <section className="moe-SideBySide-side" aria-label={title}>
      <h4>
        {title}
        {text && <small>{statusText(text, trans)}</small>}
      </h4>
      {text ? (
        <p
          className="moe-SideBySide-text"
          aria-busy={text.status === 'running'}
        >
          {text.tokens.map((token, i) =>
            changed[i] ? (
              <mark
                key={i}
                className={i === first ? 'moe-mod-first' : undefined}
                title={trans.__('token %1, id %2', i + 1, token.id)}
                data-sign={sign(token)}
              >
                {shown(token)}
              </mark>
            ) : (
              <span key={i}>{shown(token)}</span>
            )
          )}
          {text.status === 'running' && (
            <span className="moe-SideBySide-caret" aria-hidden="true" />
          )}
        </p>
      ) : (
        <p className="moe-Message">{empty}</p>
      )}
    </section>
  );
}

function statusText(
  { status, tokens }: GeneratedText,
  trans: ITranslation
): string {
  const count = trans._n('%1 token', '%1 tokens', tokens.length);
  switch (status) {
    case 'running':
      return trans.__('writing… %1', count);
    case 'done':
      return count;
    case 'cancelled':
      return trans.__('cancelled after %1', count);
    case 'failed':
      return trans.__('failed after %1', count);
  }
}

function summary(
  original: GeneratedText | null,
  edited: GeneratedText | null,
  changed: readonly boolean[],
  trans: ITranslation
): string {
  if (!original || edited?.status !== 'done') {
    return '';
  }
  const first = changed.indexOf(true);
  if (first < 0) {
    return original.tokens.length === edited.tokens.length
      ? trans.__('The edits change none of the %1 tokens.', changed.length)
      : trans.__('The edited text ends after %1 tokens.', changed.length);
  }
  const was = original.tokens[first];
  return trans.__(
    '%1 of %2 tokens differ, from token %3 on: %4 instead of %5.',
    changed.filter(Boolean).length,
    changed.length,
    first + 1,
    quoted(edited.tokens[first]),
    was ? quoted(was) : trans.__('the end')
  );
}

/** The token's text, or its id if it has none. */
function shown({ id, text }: GeneratedToken): string {
  return text ?? `${id} `;
}

/** A visible sign for a marked token that is invisible; it is not part of the text. */
function sign(token: GeneratedToken): string | undefined {
  const text = shown(token);
  return text === '' ? '∅' : text.includes('\n') ? '↵' : undefined;
}

function quoted({ id, text }: GeneratedToken): string {
  return `“${tokenText({ position: 0, id, text })}”`;
}
