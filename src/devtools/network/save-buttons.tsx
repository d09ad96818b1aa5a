import { useState } from 'react';
import { OWN_KEYS, download } from '../../drawing';
import type { IViewContext } from '../context';
import { MAX_COPIED, csvOf, listedTokens, markdownOf } from './save';

/** Takes the listed tokens out: as a file, or as text for a comment. */
export function SaveTokens({
  context
}: {
  context: IViewContext;
}): JSX.Element {
  const { source, network, trans } = context;
  const [said, setSaid] = useState<string>();
  const take = (work: () => Promise<string>): void => {
    setSaid(trans.__('Reading the tokens…'));
    work().then(setSaid, (error: unknown) =>
      setSaid(error instanceof Error ? error.message : String(error))
    );
  };
  const isOff = !source.isLive || network.matches === 0;
  return (
    <span className="moe-SaveTokens">
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        disabled={isOff}
        onClick={() =>
          take(async () => {
            const table = await listedTokens(source, network);
            download(
              `${source.trace?.model ?? 'trace'}.tokens.csv`,
              csvOf(table)
            );
            return trans._n(
              '%1 token saved',
              '%1 tokens saved',
              table.rows.length
            );
          })
        }
      >
        {trans.__('Save as CSV')}
      </button>
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        disabled={isOff}
        title={trans.__('At most %1 rows', MAX_COPIED)}
        onClick={() =>
          take(async () => {
            const table = await listedTokens(source, network, MAX_COPIED);
            await navigator.clipboard.writeText(markdownOf(table));
            return trans._n(
              '%1 token copied',
              '%1 tokens copied',
              table.rows.length
            );
          })
        }
      >
        {trans.__('Copy as Markdown')}
      </button>
      <span role="status">{said}</span>
    </span>
  );
}
