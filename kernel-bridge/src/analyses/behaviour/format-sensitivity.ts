/** How much routing changes when the same text is written differently. */
import { mean } from '../../base/statistics/summary';
import { slotShares, totalVariation } from '../../measures';
import { layerName, type RoutingSample } from '../../base/protocol';

/** Other ways to write a text. */
export const FORMATS: Readonly<Record<string, (text: string) => string>> = {
  'lower case': text => text.toLowerCase(),
  'upper case': text => text.toUpperCase(),
  'double spaces': text => text.replace(/ /g, '  '),
  'no punctuation': text => text.replace(/[^\p{L}\p{N}\s]/gu, ''),
  quoted: text => text.replace(/^/gm, '> '),
  'as a list': text => text.replace(/^/gm, '- ')
};

export interface FormatSensitivity {
  /** "layer 3", as layerName writes it. */
  router: string;
  /** Total variation between slot shares of a text and of its variant, mean over texts. */
  toVariant: number;
  /** The same between different texts as they are: what another content does. NaN of a single text. */
  toOtherText: number;
  /** The first over the second: 1 means that the format counts as much as the content. */
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
