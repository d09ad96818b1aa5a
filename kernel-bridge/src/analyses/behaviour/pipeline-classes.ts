/**
 * What pipelines carry: the tokens that select all experts of a pipeline are looked at as those of one expert are, so that
 * a pipeline has a role, with the tests and the certainty of roles.
 */
import {
  layerName,
  type ExpertPlace,
  type RoutingLayer,
  type RoutingSample,
  type Stack
} from '../../base/protocol';
import { expertRoles, type ExpertRole, type Leaning } from '../findings/roles';
import { resolveThresholds } from '../findings/thresholds';
import { TraceEvidence } from '../findings/trace-evidence';
import { alignmentOf } from './expert-pipelines';

/** An expert of a pipeline, and what it does by itself. */
export interface PipelineStage
  extends
    ExpertPlace,
    Pick<ExpertRole, 'role' | 'degree' | 'category' | 'class' | 'lift'> {}

export interface Pipeline {
  experts: ExpertPlace[];
  /** The class of tokens that it carries; absent where that is unclear. */
  name?: string;
  /** The class in figures: its lift against all tokens, with interval and corrected p. */
  carries?: Leaning;
  /** Why it has no name. */
  reason?: string;
  /** Tokens that select all its experts, their number if layers chose independently, and the ratio. */
  tokens: number;
  expected: number;
  lift: number;
  /** Share of the tokens of its first expert that go all the way. */
  passed: number;
  /** Normalised pointwise mutual information of each step. */
  alignment: number[];
  /** The role of each of its experts, from layer to layer. */
  stages: PipelineStage[];
}

/** @param paths experts in the order of their layers, each path within a stack */
export function describePipelines(
  samples: readonly RoutingSample[],
  paths: readonly (readonly ExpertPlace[])[]
): Pipeline[] {
  if (paths.length === 0) {
    return [];
  }
  const counts = new PathCounts(paths);
  const roles = rolesByName(samples);
  const carried = rolesByName(
    asRouters(
      samples,
      samples.map(sample => counts.follow(sample)),
      paths.length
    )
  );
  return paths.map((path, index) => {
    const { stack } = path[0];
    const role = carried.get(layerName(pathPlace(stack)))![index];
    return {
      experts: [...path],
      ...nameOf(role),
      ...counts.figures(index),
      stages: path.map(place => {
        const own = roles.get(layerName(place))![place.expert];
        return {
          ...place,
          role: own.role,
          ...(own.class === undefined
            ? {}
            : {
                degree: own.degree,
                category: own.category,
                class: own.class,
                lift: own.lift
              })
        };
      })
    };
  });
}

function rolesByName(
  samples: readonly RoutingSample[]
): Map<string, ExpertRole[]> {
  const roles = expertRoles(TraceEvidence.of(samples), resolveThresholds({}));
  return new Map(
    [...roles].map(([{ router }, own]) => [layerName(router), own])
  );
}

/** A domain that is shown names a pipeline, before the types of its tokens. */
function nameOf(
  role: ExpertRole
): Pick<Pipeline, 'name' | 'carries' | 'reason'> {
  const { degree, category, class: own } = role;
  if (degree === undefined || category === undefined || own === undefined) {
    return { reason: REASONS[role.role] ?? role.reason };
  }
  const best = leaningOf(role as ExpertRole & Leaning);
  const carries =
    [best, ...role.leanings].find(
      leaning => leaning.category === 'domain' && leaning.degree !== 'slight'
    ) ?? best;
  return { name: carries.class, carries };
}

const REASONS: Partial<Record<ExpertRole['role'], string>> = {
  generalist: 'no class of tokens takes it clearly more than others',
  rare: 'too few tokens take it'
};

function leaningOf({
  expert: _expert,
  role: _role,
  tokens: _tokens,
  leanings: _leanings,
  breadth: _breadth,
  reason: _reason,
  ...leaning
}: ExpertRole & Leaning): Leaning {
  return leaning;
}

/** The router that stands for the paths of a stack. */
function pathPlace(
  stack: Stack | undefined
): Pick<RoutingLayer, 'layer' | 'stack'> {
  return { layer: 0, ...(stack ? { stack } : {}) };
}

/** Counts the tokens of paths. */
class PathCounts {
  /** By path and stage: tokens that select the expert, and tokens that select it and the one before. */
  private readonly _selected: number[][];
  private readonly _steps: number[][];
  private readonly _through: number[];
  private readonly _tokens: number[];

  constructor(private readonly _paths: readonly (readonly ExpertPlace[])[]) {
    this._selected = _paths.map(path => path.map(() => 0));
    this._steps = _paths.map(path => path.slice(1).map(() => 0));
    this._through = _paths.map(() => 0);
    this._tokens = _paths.map(() => 0);
  }

  /** By stack: the paths that each token follows. */
  follow(sample: RoutingSample): FollowedPaths {
    const stacks = new Set(sample.layers.map(({ stack }) => stack));
    return new Map(
      [...stacks].map(stack => {
        const layers = new Map(
          sample.layers
            .filter(layer => layer.stack === stack)
            .map(layer => [layerName(layer), layer])
        );
        const [{ selected, topK }] = layers.values();
        const paths = this._paths.flatMap((path, index) =>
          path.every(place => layers.has(layerName(place)))
            ? [
                {
                  index,
                  stages: path.map(place => layers.get(layerName(place))!)
                }
              ]
            : []
        );
        return [
          stack,
          Array.from({ length: selected.length / topK }, (_, t) =>
            paths.flatMap(({ index, stages }) =>
              this._follows(index, stages, t) ? [index] : []
            )
          )
        ];
      })
    );
  }

  figures(
    path: number
  ): Pick<Pipeline, 'tokens' | 'expected' | 'lift' | 'passed' | 'alignment'> {
    const all = this._tokens[path];
    const selected = this._selected[path];
    const tokens = this._through[path];
    const expected = selected.reduce(
      (product, own) => (product * own) / all,
      all
    );
    return {
      tokens,
      expected,
      lift: tokens / expected,
      passed: tokens / selected[0],
      alignment: this._steps[path].map((together, i) =>
        alignmentOf(
          together,
          (together * all) / (selected[i] * selected[i + 1]),
          all
        )
      )
    };
  }

  private _follows(
    index: number,
    stages: readonly RoutingLayer[],
    t: number
  ): boolean {
    this._tokens[index]++;
    let before = false;
    let through = true;
    stages.forEach(({ selected, topK }, stage) => {
      const { expert } = this._paths[index][stage];
      const has = selected.subarray(t * topK, (t + 1) * topK).includes(expert);
      this._selected[index][stage] += has ? 1 : 0;
      if (stage > 0 && has && before) {
        this._steps[index][stage - 1]++;
      }
      before = has;
      through &&= has;
    });
    this._through[index] += through ? 1 : 0;
    return through;
  }
}

type FollowedPaths = ReadonlyMap<Stack | undefined, readonly number[][]>;

/** Samples with one router a stack, whose experts are the paths; a last one takes the tokens that follow none. */
function asRouters(
  samples: readonly RoutingSample[],
  followed: readonly FollowedPaths[],
  paths: number
): RoutingSample[] {
  const topK = followed.reduce(
    (most, stacks) =>
      [...stacks.values()].reduce(
        (own, rows) =>
          rows.reduce((longest, row) => Math.max(longest, row.length), own),
        most
      ),
    1
  );
  return samples.map((sample, i) => ({
    ...sample,
    layers: [...followed[i]].map(([stack, rows]): RoutingLayer => {
      const selected = new Int32Array(rows.length * topK).fill(-1);
      rows.forEach((row, t) =>
        selected.set(row.length === 0 ? [paths] : row, t * topK)
      );
      return {
        ...pathPlace(stack),
        experts: paths + 1,
        topK,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(),
        selected,
        weights: new Float32Array()
      };
    })
  }));
}
