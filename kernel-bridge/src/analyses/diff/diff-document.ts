/** The JSON document of a routing diff. */
import type { EditRecord } from '../../run/edits/edits';
import {
  tokensOf,
  type RouterIdentity,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import type { MarginScale } from '../../routing/selection-margin';
import type { Alignment } from './align-tokens';
import type { Both, LayerDiff, TokenChange } from './layer-diff';
import type { LayerSummary } from './layer-summary';
import type { OutputChange } from './output-change';
import type { DiffData } from './diff-data';

export interface AlignmentDocument {
  by: Alignment['by'];
  /** In text order; `a` and `b` are positions, null where that run lacks the token. */
  tokens: (Both<number | null> & Omit<Token, 'position'>)[];
}

export interface LayerDiffDocument extends Omit<RouterIdentity, 'topK'> {
  topK: Both<number>;
  scale: MarginScale;
  /** One per token that both runs have; `a` and `b` are positions. Values that are not finite are null. */
  tokens: (Both<number> & {
    [Key in keyof TokenChange]: TokenChange[Key];
  })[];
}

export interface DiffDocument {
  schema: 'moe-debugger/diff@1';
  a: { model: string; edits: EditRecord[] };
  b: { model: string; edits: EditRecord[] };
  nearMiss: Record<MarginScale, number>;
  /** Over all prompts. */
  layers: LayerSummary[];
  samples: {
    id: string;
    domain?: string;
    alignment: AlignmentDocument;
    encoderAlignment?: AlignmentDocument;
    layers: LayerDiffDocument[];
    /** `kl` is KL(a || b) in nats; `token` holds positions. */
    output: (Omit<OutputChange, 'kl'> & { kl: number | null })[];
  }[];
  /** Prompts and layers that only one run has. */
  alone: Both<{ samples: string[]; layers: string[] }>;
}

export function diffDocument(diff: DiffData): DiffDocument {
  const { a, b } = diff.runs;
  return {
    schema: 'moe-debugger/diff@1',
    a: { model: a.model, edits: [...a.edits] },
    b: { model: b.model, edits: [...b.edits] },
    nearMiss: { ...diff.nearMiss },
    layers: diff.layers.map(finiteNumbers),
    samples: diff.samples.map(
      ({ id, samples, alignment, encoderAlignment, layers, output }) => ({
        id,
        ...(samples.a.domain === undefined ? {} : { domain: samples.a.domain }),
        alignment: alignmentDocument(alignment, {
          a: samples.a.tokens,
          b: samples.b.tokens
        }),
        ...(encoderAlignment
          ? {
              encoderAlignment: alignmentDocument(encoderAlignment, {
                a: samples.a.encoderTokens!,
                b: samples.b.encoderTokens!
              })
            }
          : {}),
        layers: layers.map(layer =>
          layerDocument(
            layer,
            layer.identity.stack === 'encoder' ? encoderAlignment! : alignment,
            samples
          )
        ),
        output: output.map(({ token, kl, top }) => ({
          token: {
            a: samples.a.tokens[token.a].position,
            b: samples.b.tokens[token.b].position
          },
          kl: finite(kl),
          top
        }))
      })
    ),
    alone: diff.alone
  };
}

function alignmentDocument(
  { by, tokens }: Alignment,
  runs: Both<readonly Token[]>
): AlignmentDocument {
  return {
    by,
    tokens: tokens.map(({ a, b }) => {
      const { id, text } = a === null ? runs.b[b!] : runs.a[a];
      return {
        a: a === null ? null : runs.a[a].position,
        b: b === null ? null : runs.b[b].position,
        id,
        ...(text === undefined ? {} : { text })
      };
    })
  };
}

function layerDocument(
  layer: LayerDiff,
  pairs: Alignment,
  { a, b }: Both<RoutingSample>
): LayerDiffDocument {
  const positions = {
    a: tokensOf(a, { ...layer.identity, topK: layer.topK.a }),
    b: tokensOf(b, { ...layer.identity, topK: layer.topK.b })
  };
  return {
    ...layer.identity,
    topK: layer.topK,
    scale: layer.scale,
    tokens: Array.from({ length: layer.length }, (_, i) => ({
      a: positions.a[pairs.a[i]].position,
      b: positions.b[pairs.b[i]].position,
      ...finiteNumbers(layer.at(i))
    }))
  };
}

/** Replaces NaN and infinity with null, since JSON has neither. */
function finiteNumbers<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
