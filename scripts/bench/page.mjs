/** docs/performance.md: numbers as tables, and how a number reads. */
import { againstTarget } from './compare.mjs';

export const rounded = value =>
  typeof value === 'number' ? String(Number(value.toPrecision(3))) : value;

const range = ([low, high]) => `[${low.toFixed(3)}, ${high.toFixed(3)}]`;

/** All that is told of a number beside its value and target. */
export function detailOf({ interval, control, detail }) {
  return [
    interval && `95 % interval ${range(interval)}`,
    control && `control ${control.value.toFixed(3)} ${range(control.interval)}`,
    detail
  ]
    .filter(Boolean)
    .join('; ');
}

/** The target in words; one that is missed says so. */
export function targetOf(row) {
  const target = againstTarget(row);
  return target && (target.met ? target.text : `**missed**: ${target.text}`);
}

const cell = text => String(text ?? '').replaceAll('|', '\\|');

/**
 * @param {string} machine
 * @param kept sections that were not measured again, as texts by their headings
 */
export function page(rows, machine, kept = new Map()) {
  const sections = new Map();
  for (const row of rows) {
    sections.set(row.section, [...(sections.get(row.section) ?? []), row]);
  }
  const texts = new Map(kept);
  for (const [section, its] of sections) {
    texts.set(
      section,
      [
        `## ${section}`,
        '',
        '| what | value | unit | target | detail |',
        '| --- | ---: | --- | --- | --- |',
        ...its.map(row => {
          const { name, value, unit } = row;
          const cells = [name, rounded(value), unit, targetOf(row)];
          return `| ${[...cells, detailOf(row)].map(cell).join(' | ')} |`;
        })
      ].join('\n')
    );
  }
  return `${[
    '# Performance',
    'Written by `npm run bench`; do not edit.',
    `Machine: ${machine}.`,
    ...texts.values()
  ].join('\n\n')}\n`;
}

/** The sections that a page has, by their headings. */
export function sectionsOf(text) {
  return new Map(
    text
      .split(/\n(?=## )/)
      .slice(1)
      .map(section => [/^## (.*)/.exec(section)[1], section.trim()])
  );
}
