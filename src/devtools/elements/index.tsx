import { layerName, type ModelElement } from 'moe-debugger/protocol';
import { useEffect, useMemo, useState } from 'react';
import { OWN_KEYS, useSignal } from '../../drawing';
import type { IViewProps } from '../context';
import { ExpertDetail } from './expert';
import { PartDetail } from './part';
import { pathOf, treeRows, type ITreeRow } from './rows';
import { ElementTree, routerOf } from './tree';

/** Levels that are open at first: the model, and its stacks. */
const FIRST_OPEN = [''];

/** What a model is made of: its parts as a tree, and the selected one in detail. */
export function Elements({ context, isShown }: IViewProps): JSX.Element {
  const { source, selection, trans } = context;
  useSignal(source.changed);
  useSignal(selection.changed);
  const { model } = source;
  /** What was read, and of which model. */
  const [read, setRead] = useState<{ id: string; root: ModelElement }>();
  const [error, setError] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(FIRST_OPEN));
  const [filter, setFilter] = useState('');
  const [part, setPart] = useState<string>();
  const id = model?.id;
  // What was read stays when its model is gone.
  const root = id === undefined || read?.id === id ? read?.root : undefined;
  const isMissing = id !== undefined && root === undefined;
  useEffect(() => {
    if (!isMissing || isShown === false) {
      return;
    }
    let isWanted = true;
    setError(undefined);
    source.elements(id).then(
      answer => isWanted && setRead({ id, root: answer }),
      (reason: unknown) =>
        isWanted &&
        setError(reason instanceof Error ? reason.message : String(reason))
    );
    return () => {
      isWanted = false;
    };
  }, [source, id, isMissing, attempt, isShown]);
  const { layerIndex, expert } = selection.current;
  const router = source.outline?.routers[layerIndex];
  const path = useMemo(
    () =>
      root && router && expert !== undefined
        ? pathOf(root, router, expert)
        : undefined,
    [root, router, expert]
  );
  // A choice elsewhere opens the way to the expert, and ends the choice of another part here.
  useEffect(() => {
    if (path) {
      setPart(undefined);
      setOpen(before => new Set([...before, ...path.above]));
    }
  }, [path]);
  const rows = useMemo(
    () => (root ? treeRows(root, open, filter) : []),
    [root, open, filter]
  );
  if (!root) {
    return (
      <div className="moe-EmptyView" role="status">
        <p>
          {error ??
            (model
              ? trans.__('Reading the graph of the model…')
              : source.isLive
                ? trans.__('No model is loaded. Run a cell with loadModel.')
                : trans.__(
                    'The kernel of this notebook is not connected. Run a cell that loads a model.'
                  ))}
        </p>
        {error !== undefined && (
          <button
            {...OWN_KEYS}
            className="moe-Button"
            onClick={() => setAttempt(attempt + 1)}
          >
            {trans.__('Try again')}
          </button>
        )}
      </div>
    );
  }
  const selected = part ?? path?.key ?? '';
  const current =
    rows.find(({ key }) => key === selected) ??
    treeRows(root, new Set([...open, ...(path?.above ?? [])])).find(
      ({ key }) => key === selected
    );
  const select = (row: ITreeRow): void => {
    if (row.expert === undefined) {
      setPart(row.key);
      return;
    }
    const place = row.element.place!;
    const index =
      source.outline?.routers.findIndex(
        own => layerName(own) === layerName(place)
      ) ?? -1;
    setPart(row.key);
    if (index >= 0) {
      selection.set(
        { layerIndex: index, expert: row.expert },
        { moving: 'elements' }
      );
    }
  };
  const toggle = (key: string, isOpen: boolean): void => {
    const next = new Set(open);
    if (isOpen) {
      next.add(key);
    } else {
      next.delete(key);
    }
    setOpen(next);
  };
  return (
    <div className="moe-Elements">
      <div className="moe-Elements-tree">
        <input
          {...OWN_KEYS}
          type="search"
          value={filter}
          spellCheck={false}
          placeholder={trans.__('Filter: layer 2 expert 5')}
          aria-label={trans.__('Filter parts')}
          onChange={event => setFilter(event.target.value)}
        />
        {rows.length > 0 ? (
          <ElementTree
            context={context}
            rows={rows}
            selected={selected}
            select={select}
            toggle={toggle}
          />
        ) : (
          <p className="moe-Message">{trans.__('No part has this name.')}</p>
        )}
      </div>
      <div
        className="moe-Elements-detail"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Selected part')}
      >
        {current?.expert !== undefined ? (
          <ExpertDetail
            key={`${id}/${current.key}`}
            context={context}
            modelId={id}
            element={current.element}
            expert={current.expert}
            router={routerOf(context, current)}
          />
        ) : (
          current && <PartDetail context={context} element={current.element} />
        )}
      </div>
    </div>
  );
}
