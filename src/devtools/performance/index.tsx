import {
  chromeTrace,
  type ProfileDocument,
  type ProfiledRuns
} from 'moe-debugger/protocol';
import { useEffect, useMemo, useRef, useState } from 'react';
import { OWN_KEYS, download, useSignal } from '../../drawing';
import type { ITranslation } from '../../translation';
import type { IViewContext, IViewProps } from '../context';
import { EmptyView } from '../empty-view';
import { bytesText } from '../elements/sizes';
import { decimals, percent, sampleText } from '../words';
import { FlameChart } from './chart';
import { flameOf, operatorTimes } from './flame';

const MAX_OPERATORS = 12;

/** Where the time of a forward pass goes, when the user asks for it. */
export function Performance({ context }: IViewProps): JSX.Element {
  const { source, selection, trans } = context;
  useSignal(source.changed);
  useSignal(selection.changed);
  /** The last profile, and which sample of which trace it is of. */
  const [made, setMade] = useState<{ of: string; profile: ProfileDocument }>();
  const [error, setError] = useState<string>();
  const [isRunning, setRunning] = useState(false);
  const stop = useRef<AbortController>();
  useEffect(() => () => stop.current?.abort(), []);
  const { trace, outline, model } = source;
  if (!outline || !trace) {
    return <EmptyView context={context} />;
  }
  const sample = selection.current.sample ?? 0;
  const tokens = outline.samples[sample]?.tokens ?? 0;
  const canRun = model !== undefined && model.id === trace.modelId;
  const of = `${trace.id}/${sample}`;
  const profile = made?.of === of ? made.profile : undefined;
  const run = (): void => {
    const controller = new AbortController();
    stop.current = controller;
    setRunning(true);
    setError(undefined);
    source.profile(sample, controller.signal).then(
      answer => {
        setRunning(false);
        setMade({ of, profile: answer });
      },
      (reason: unknown) => {
        setRunning(false);
        if (!controller.signal.aborted) {
          setError(reason instanceof Error ? reason.message : String(reason));
        }
      }
    );
  };
  return (
    <div className="moe-Performance">
      <div className="moe-Performance-head">
        <button
          {...OWN_KEYS}
          className="moe-Button"
          disabled={!canRun || isRunning || trace.running}
          onClick={run}
        >
          {trans.__('Profile %1', sampleText(outline, sample, trans))}
        </button>
        {isRunning ? (
          <>
            <span role="status">
              {trans.__('Running it with the profiler of onnxruntime…')}
            </span>
            <button
              {...OWN_KEYS}
              className="moe-Button"
              onClick={() => stop.current?.abort()}
            >
              {trans.__('Stop')}
            </button>
          </>
        ) : (
          <small>
            {canRun
              ? trans._n(
                  'runs its %1 token anew, in a session of its own: some seconds',
                  'runs its %1 tokens anew, in a session of its own: some seconds',
                  tokens
                )
              : trans.__('The model of this trace is not loaded here.')}
          </small>
        )}
      </div>
      {error !== undefined && (
        <p className="moe-Refusal" role="alert">
          {error}
        </p>
      )}
      {profile ? (
        <Profile context={context} profile={profile} />
      ) : (
        !isRunning && (
          <p className="moe-Message">
            {trans.__(
              'This shows which layers, parts and operators take the time of a forward pass: experts, routing, attention.'
            )}
          </p>
        )
      )}
    </div>
  );
}

function Profile({
  context: { trans },
  profile
}: {
  context: IViewContext;
  profile: ProfileDocument;
}): JSX.Element {
  const { model, prefill, oneToken, rows, between, bottlenecks, notes } =
    profile;
  const root = useMemo(
    () =>
      flameOf(model, rows, {
        name: trans.__('between nodes'),
        milliseconds: between
      }),
    [model, rows, between]
  );
  const operators = useMemo(() => operatorTimes(rows), [rows]);
  const total = root.milliseconds;
  return (
    <>
      <h2>{runsText(prefill, trans)}</h2>
      <p className="moe-Overview-base">
        {trans.__(
          '%1; weights %2, written by nodes %3 a run',
          runsText(oneToken, trans),
          bytesText(profile.weights),
          bytesText(Math.round(profile.written))
        )}
      </p>
      {bottlenecks.length > 0 && (
        <ul className="moe-Performance-bottlenecks">
          {bottlenecks.map((own, i) => (
            <li key={i}>{own}</li>
          ))}
        </ul>
      )}
      <section className="moe-Section">
        <header className="moe-Section-head">
          <h3>{trans.__('Where the time goes')}</h3>
          <small>
            {trans.__('width: time; layers, their parts, operators')}
          </small>
        </header>
        <FlameChart root={root} trans={trans} />
      </section>
      <section className="moe-Section">
        <header className="moe-Section-head">
          <h3>{trans.__('Operators')}</h3>
          <small>{trans.__('share of the run')}</small>
        </header>
        <table className="moe-Shares">
          <tbody>
            {operators
              .slice(0, MAX_OPERATORS)
              .map(({ op, milliseconds, calls }) => (
                <tr key={op}>
                  <th scope="row">
                    {op} <small>× {calls}</small>
                  </th>
                  <td>
                    <i
                      aria-hidden
                      style={{ width: `${(100 * milliseconds) / total}%` }}
                    />
                  </td>
                  <td>{percent(milliseconds / total)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </section>
      {notes.map((note, i) => (
        <p key={i} className="moe-Note">
          {note}
        </p>
      ))}
      <div
        className="moe-Performance-save"
        role="group"
        aria-label={trans.__('Save the profile')}
      >
        <button
          {...OWN_KEYS}
          className="moe-Button"
          disabled={profile.events.length === 0}
          title={trans.__('Opens in Perfetto and in chrome://tracing')}
          onClick={() =>
            download(
              `${model}.trace.json`,
              `${JSON.stringify(chromeTrace(profile))}\n`
            )
          }
        >
          {trans.__('Save as Chrome trace')}
        </button>
        <button
          {...OWN_KEYS}
          className="moe-Button"
          onClick={() =>
            download(`${model}.profile.json`, `${JSON.stringify(profile)}\n`)
          }
        >
          {trans.__('Save as JSON')}
        </button>
      </div>
    </>
  );
}

/** "43 tokens in 12.30 ms: 3,496 tokens/s" */
function runsText(
  { tokens, milliseconds }: ProfiledRuns,
  trans: ITranslation
): string {
  const rate = milliseconds > 0 ? (1000 * tokens) / milliseconds : 0;
  return trans.__(
    '%1 in %2 ms: %3 tokens/s',
    trans._n('%1 token', '%1 tokens', tokens),
    decimals(milliseconds),
    Math.round(rate).toLocaleString('en')
  );
}
