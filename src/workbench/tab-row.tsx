import { Widget } from '@lumino/widgets';
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { OWN_KEYS } from '../drawing';
import type { ITranslation } from '../translation';

export interface ITab {
  id: string;
  title: string;
  /** Beside the title: a count. */
  badge?: string;
}

/** A row of tabs. Those that do not fit are in a menu at its end. */
export class TabRow extends Widget {
  constructor(private _options: TabRow.IOptions) {
    super();
    this.addClass('moe-TabRow');
    this._current = _options.tabs[0]?.id ?? '';
    this._draw();
  }

  get current(): string {
    return this._current;
  }
  set current(id: string) {
    this._current = id;
    this._draw();
  }

  set tabs(tabs: readonly ITab[]) {
    this._options = { ...this._options, tabs };
    this._draw();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._root.unmount();
      super.dispose();
    }
  }

  private _draw(): void {
    this._root.render(<Tabs {...this._options} current={this._current} />);
  }

  private _current: string;
  private _root: Root = createRoot(this.node);
}

export namespace TabRow {
  export interface IOptions {
    /** For screen readers. */
    label: string;
    tabs: readonly ITab[];
    trans: ITranslation;
    choose: (id: string) => void;
  }
}

function Tabs({
  label,
  tabs,
  current,
  trans,
  choose
}: TabRow.IOptions & { current: string }): JSX.Element {
  const row = useRef<HTMLDivElement>(null);
  const shown = useFitting(row, tabs, current);
  const visible = tabs.filter(({ id }) => shown.includes(id));
  const hidden = tabs.filter(({ id }) => !shown.includes(id));
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => id === current);
    const to =
      event.key === 'ArrowRight'
        ? (at + 1) % tabs.length
        : event.key === 'ArrowLeft'
          ? (at + tabs.length - 1) % tabs.length
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? tabs.length - 1
              : undefined;
    // Alt and an arrow go back and forward.
    if (to !== undefined && !event.altKey) {
      event.preventDefault();
      choose(tabs[to].id);
      requestAnimationFrame(() =>
        row.current
          ?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')
          ?.focus()
      );
    }
  };
  return (
    <div className="moe-Tabs" ref={row}>
      <div role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {visible.map(({ id, title, badge }) => (
          <button
            {...OWN_KEYS}
            key={id}
            role="tab"
            data-moe-tab={id}
            aria-selected={id === current}
            tabIndex={id === current ? 0 : -1}
            onClick={() => choose(id)}
          >
            {title}
            {badge !== undefined && <span className="moe-Badge">{badge}</span>}
          </button>
        ))}
      </div>
      {hidden.length > 0 && (
        <select
          {...OWN_KEYS}
          className="moe-Tabs-more"
          aria-label={trans.__('More tabs')}
          value=""
          onChange={event => choose(event.target.value)}
        >
          <option value="" disabled>
            {`» ${hidden.length}`}
          </option>
          {hidden.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

/** Width of a letter and of the padding of a tab, in pixels: wide enough for each. */
const LETTER = 7.6;
const PADDING = 24;
const MORE = 52;

/** The tabs that fit, the current one among them. */
function useFitting(
  row: React.RefObject<HTMLElement>,
  tabs: readonly ITab[],
  current: string
): string[] {
  const [width, setWidth] = useState(Infinity);
  useLayoutEffect(() => {
    const node = row.current;
    if (!node || typeof ResizeObserver === 'undefined') {
      return undefined;
    }
    const observer = new ResizeObserver(([{ contentRect }]) => {
      // A hidden workbench has no width: it keeps its tabs.
      if (contentRect.width > 0) {
        setWidth(contentRect.width);
      }
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [row]);
  return fittingTabs(tabs, current, width);
}

/** The ids of the tabs that fit into a width, in their order. */
export function fittingTabs(
  tabs: readonly ITab[],
  current: string,
  width: number
): string[] {
  const sizeOf = ({ title, badge = '' }: ITab): number =>
    (title.length + badge.length) * LETTER + PADDING;
  const whole = tabs.reduce((sum, tab) => sum + sizeOf(tab), 0);
  if (whole <= width) {
    return tabs.map(({ id }) => id);
  }
  const own = tabs.find(({ id }) => id === current);
  let left = width - MORE - (own ? sizeOf(own) : 0);
  const fitting = new Set(own ? [own.id] : []);
  for (const tab of tabs) {
    if (tab === own) {
      continue;
    }
    left -= sizeOf(tab);
    if (left < 0) {
      break;
    }
    fitting.add(tab.id);
  }
  return tabs.map(({ id }) => id).filter(id => fitting.has(id));
}
