/** What experts say, as tables. */
import { counted } from '../../../base/protocol';
import type { ResultTable } from '../../../show/result-table';
import type { UntrainedTokens } from './untrained-tokens';
import type {
  ExpertWords,
  GroupChange,
  LogitChange,
  LossChange
} from './vocabulary-data';

/** Tokens of a list in a table of all experts. */
const SHOWN = 8;

/** One row an expert. */
export function layerTable(
  title: string,
  experts: readonly ExpertWords[],
  notes: readonly string[]
): ResultTable {
  return {
    title,
    columns: [
      'expert',
      'tokens',
      'prompts',
      'raises',
      'of these certain',
      'lowers',
      'raises the group',
      'loss on raised tokens',
      'without it',
      'change',
      '±',
      'change on others'
    ],
    rows: experts.map(own => [
      own.expert,
      own.tokens,
      own.prompts,
      words(own.raised),
      own.raised.some(({ certain }) => certain === null)
        ? null
        : own.raised.filter(({ certain }) => certain).length,
      words(own.lowered),
      strongestGroup(own.groups) ?? '',
      own.evidence?.raised?.loss ?? null,
      own.evidence?.raised?.lossWithout ?? null,
      own.evidence?.raised?.change ?? null,
      own.evidence?.raised?.halfWidth ?? null,
      own.evidence?.others?.change ?? null
    ]),
    notes
  };
}

/** One row a token. */
export function expertTable(
  title: string,
  { raised, lowered, evidence, notes }: ExpertWords
): ResultTable {
  return {
    title,
    columns: [
      'list',
      'rank',
      'id',
      'token',
      'contrast',
      '±',
      'certain',
      'without the expert',
      'direct change of the logit'
    ],
    rows: [...rowsOf('raised', raised), ...rowsOf('lowered', lowered)],
    notes: [...evidenceText(evidence), ...notes]
  };
}

function rowsOf(
  list: string,
  tokens: readonly LogitChange[]
): ResultTable['rows'] {
  return tokens.map((own, rank) => [
    list,
    rank + 1,
    own.id,
    own.text ?? null,
    own.contrast,
    own.halfWidth,
    own.certain === null ? 'unknown' : own.certain ? 'yes' : 'no',
    own.without,
    own.change
  ]);
}

/** '"der", " die"' */
export function words(tokens: readonly LogitChange[]): string {
  return tokens
    .slice(0, SHOWN)
    .map(({ id, text }) => JSON.stringify(text ?? id))
    .join(', ');
}

/** " (2 of 10 certain)"; with too few prompts, that this cannot be told. */
export function certainText(tokens: readonly LogitChange[]): string {
  const certain = tokens.filter(own => own.certain).length;
  return tokens.length === 0
    ? ''
    : tokens.some(own => own.certain === null)
      ? ' (how certain cannot be told)'
      : ` (${certain === 0 ? 'none' : certain} of ${tokens.length} certain)`;
}

/** The group whose interval is farthest above 0; undefined where none is above. */
export function strongestGroup(
  groups: readonly GroupChange[]
): string | undefined {
  const least = ({ change, halfWidth }: GroupChange): number =>
    change === null || halfWidth === null ? -Infinity : change - halfWidth;
  const [best] = [...groups].sort((a, b) => least(b) - least(a));
  return best && least(best) > 0
    ? `${best.name} (+${best.change!.toFixed(2)} ± ${best.halfWidth!.toFixed(2)})`
    : undefined;
}

export function evidenceText(evidence: ExpertWords['evidence']): string[] {
  if (!evidence) {
    return [];
  }
  const { mode, raised, others } = evidence;
  const line = (name: string, own: LossChange | null): string[] =>
    own
      ? [
          `${mode === 'mask' ? 'masked' : 'dropped'}: loss on ${name} ${own.loss.toFixed(3)} -> ${own.lossWithout.toFixed(3)} (${signed(own.change)}${own.halfWidth === null ? '' : ` ± ${own.halfWidth.toFixed(3)}`} nats), ${counted(own.tokens, 'token')}`
        ]
      : [];
  return [...line('raised tokens', raised), ...line('other tokens', others)];
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
}

/** How many tokens were left out, and by what. */
export function untrainedText({
  ids,
  of,
  centre,
  known,
  knownBelow,
  seen,
  seenBelow,
  separation,
  threshold,
  why
}: UntrainedTokens): string {
  const numbers =
    separation === null || threshold === null
      ? ''
      : ` (rows of the unembedding within ${threshold.toFixed(2)} median distances of the centre of ${known} ${centre === 'closest rows' ? 'rows closest to each other' : 'tokens that no text has'}: ${knownBelow} of these, ${seenBelow} of ${seen} different tokens of the prompts; Youden's J ${separation.toFixed(2)})`;
  return why === null
    ? `${ids.length} of ${of} tokens are untrained${numbers}`
    : `untrained tokens cannot be told: ${why}${numbers}`;
}
