/** Measures how much routing changes when the format of a text changes. */
import { mean } from '../../base/statistics/summary';
import { slotShares, totalVariation } from '../../measures';
import { layerName, type RoutingSample } from '../../base/protocol';

/** Formats to rewrite a text in. */
export const FORMATS: Readonly<Record<string, (text: string) => string>> = {
  'lower case': text => text.toLowerCase(),
  'upper case': text => text.toUpperCase(),
  'double spaces': text => text.replace(/ /g, '  '),
  'no punctuation': text => text.replace(/[^\p{L}\p{N}\s]/gu, ''),
  quoted: text => text.replace(/^/gm, '> '),
  'as a list': text => text.replace(/^/gm, '- ')
};

export interface FormatSensitivity {
  /** "layer 3", as layerName formats it. */
  router: string;
  /** Total variation between slot shares of a text and of its variant, mean over texts. */
  toVariant: number;
  /** The same between different texts in their original format: the effect of content. NaN for a single text. */
  toOtherText: number;
  /** toVariant / toOtherText: 1 means that format affects routing as much as content does. */
  sensitivity: number;
}

/**
 * @param pairs routing of each text and of a variant of it, by one model
 */
export function formatSensitivity(
  pairs: readonly { original: RoutingSample; variant: RoutingSample }[]
): FormatSensitivity[] {
  const routers = pairs[0]?.original.layers ?? [];
  return routers.map((router, index) => {
    const share = ({ layers }: RoutingSample): Float64Array => {
      const counts = new Float64Array(router.experts);
      layers[index].selected.forEach(expert => {
        if (expert >= 0) {
          counts[expert]++;
        }
      });
      return slotShares(counts);
    };
    const shares = pairs.map(({ original, variant }) => ({
      original: share(original),
      variant: share(variant)
    }));
    const toVariant = mean(
      shares.map(({ original, variant }) => totalVariation(original, variant))
    );
    const toOtherText = mean(
      shares.flatMap(({ original }, i) =>
        shares
          .slice(i + 1)
          .map(other => totalVariation(original, other.original))
      )
    );
    return {
      router: layerName(router),
      toVariant,
      toOtherText,
      sensitivity: toVariant / toOtherText
    };
  });
}
