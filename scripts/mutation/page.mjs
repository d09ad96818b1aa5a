/** What docs/testing.md says of mutants. */
import { table } from '../page-section.mjs';

const HEAD = [
  'folder',
  'sample',
  'changes',
  'noticed in the folder',
  'by others',
  'others asked',
  'endless',
  'without effect',
  'not noticed',
  'score'
];

/**
 * @param {{folder: string, seed: number, of: number, others: number, mutants: object[]}[]} samples `others`: how many
 *   specs of other folders were asked about what the folder's own did not notice
 */
export function mutationSection(samples) {
  const rows = samples.map(({ folder, seed, of, others, mutants }) => {
    const counted = tally(mutants);
    return [
      `\`${folder}\``,
      seed,
      `${mutants.length} of ${of}`,
      counted.own,
      counted.others,
      others,
      counted.late,
      counted.equivalent,
      counted.survived,
      counted.score
    ];
  });
  const all = unique(samples.flatMap(({ mutants }) => mutants));
  return [
    table([HEAD, ...rows]),
    ...list(
      'Not noticed:',
      all.filter(({ by, reason }) => !by && !reason),
      mutant => place(mutant)
    ),
    ...list(
      'Without effect, so that no test can notice them:',
      all.filter(({ by, reason }) => !by && reason),
      mutant => `${place(mutant)}: ${mutant.reason}`
    )
  ].join('\n\n');
}

/** The share of changes that were noticed, of those that have an effect. */
export function tally(mutants) {
  const count = test => mutants.filter(test).length;
  const equivalent = count(({ by, reason }) => !by && reason);
  const noticed = count(({ by }) => by);
  const sum = mutants.length - equivalent;
  return {
    own: count(({ by, late }) => by === 'own' && !late),
    others: count(({ by, late }) => by === 'others' && !late),
    late: count(({ late }) => late),
    equivalent,
    survived: sum - noticed,
    score: sum === 0 ? '-' : `${Math.floor((100 * noticed) / sum)} %`
  };
}

/** A mutant that two samples have drawn is listed once. */
function unique(mutants) {
  const byPlace = new Map(
    mutants.map(mutant => [
      [mutant.file, mutant.start, mutant.end, mutant.replacement].join('\n'),
      mutant
    ])
  );
  return [...byPlace.values()];
}

function list(title, mutants, text) {
  return mutants.length === 0
    ? []
    : [title, mutants.map(mutant => `- ${text(mutant)}`).join('\n')];
}

const place = ({ file, line, original, replacement }) =>
  `${file.replace('kernel-bridge/src/', '')}:${line}: ${code(original)} becomes ${code(replacement)}`;

/** As code of Markdown, whatever it contains. */
const code = text => `\`\` ${oneLine(text)} \`\``;

const LONGEST = 60;

/** Shortened to one line. */
export function oneLine(text) {
  const line = text.replace(/\s+/g, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}
