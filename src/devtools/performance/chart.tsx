import { useState } from 'react';
import { OWN_KEYS } from '../../drawing';
import type { ITranslation } from '../../translation';
import { decimals, percent } from '../words';
import { flameAt, type IFlame } from './flame';

/** Narrower parts of the chart are drawn without a button, as a share of its width. */
const LEAST_SHARE = 0.004;
const LEVELS = 4;

/** The time as a flame chart from the top down: a click shows a part in full width. */
export function FlameChart({
  root,
  trans
}: {
  root: IFlame;
  trans: ITranslation;
}): JSX.Element {
  const [path, setPath] = useState<readonly string[]>([]);
  const way = flameAt(root, path);
  const shown = way[way.length - 1];
  return (
    <div className="moe-Flame">
      <nav className="moe-Flame-path" aria-label={trans.__('Part in view')}>
        {way.map((own, i) => (
          <button
            {...OWN_KEYS}
            key={i}
            className="moe-TextButton"
            aria-current={i === way.length - 1}
            onClick={() => setPath(path.slice(0, i))}
          >
            {own.name}
          </button>
        ))}
      </nav>
      <div
        role="group"
        aria-label={trans.__(
          'Flame chart of the time, from the whole down to operators'
        )}
      >
        <Level
          flames={[shown]}
          total={shown.milliseconds}
          whole={root.milliseconds}
          depth={0}
          path={path}
          select={setPath}
          trans={trans}
        />
      </div>
    </div>
  );
}

function Level({
  flames,
  total,
  whole,
  depth,
  path,
  select,
  trans
}: {
  flames: readonly IFlame[];
  /** Milliseconds of the full width. */
  total: number;
  /** Milliseconds of all. */
  whole: number;
  depth: number;
  path: readonly string[];
  select: (path: readonly string[]) => void;
  trans: ITranslation;
}): JSX.Element {
  return (
    <div className="moe-Flame-level">
      {flames.map((flame, i) => {
        const share = total > 0 ? flame.milliseconds / total : 0;
        const own = depth === 0 ? path : [...path, flame.name];
        const text = trans.__(
          '%1: %2 ms, %3 of the run',
          flame.name,
          decimals(flame.milliseconds),
          percent(whole > 0 ? flame.milliseconds / whole : 0)
        );
        return (
          <div
            key={i}
            className="moe-Flame-part"
            style={{ flexGrow: flame.milliseconds, flexBasis: 0 }}
          >
            {share < LEAST_SHARE ? (
              <i className="moe-Flame-sliver" title={text} />
            ) : (
              <button
                {...OWN_KEYS}
                className={`moe-Flame-bar moe-mod-${kindOf(flame.name)}`}
                title={text}
                aria-label={text}
                onClick={() => select(own)}
              >
                {flame.name}
              </button>
            )}
            {depth + 1 < LEVELS && flame.children.length > 0 && (
              <Level
                flames={flame.children}
                total={total}
                whole={whole}
                depth={depth + 1}
                path={own}
                select={select}
                trans={trans}
              />
            )}
          </div>
        );
      })}
    </div>
  );
}

/** Parts have a tint of their own; layers and operators are grey. */
function kindOf(name: string): string {
  return ['experts', 'router', 'dispatch', 'attention'].includes(name)
    ? name
    : 'other';
}
