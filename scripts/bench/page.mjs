/** docs/performance.md: tables of numbers, and their format. */
import { againstTarget } from './compare.mjs';

export const rounded = value =>
  typeof value === 'number' ? String(Number(value.toPrecision(3))) : value;

const range = ([low, high]) => `[${low.toFixed(3)}, ${high.toFixed(3)}]`;

/** Details of a number besides its value and target. */
export function detailOf({ interval, control, detail }) {
  return [
    interval && `95 % interval ${range(interval)}`,
    control && `control ${control.value.toFixed(3)} ${range(control.interval)}`,
    detail
  ]
    .filter(Boolean)
    .join('; ');
}

/** The target as text, marked if it is missed. */
export function targetOf(row) {
  const target = againstTarget(row);
  return target && (target.met ? target.text : `**missed**: ${target.text}`);
}

const cell = text => String(text ?? '').replaceAll('|', '\\|');

/**
 * @param {string} machine
 * @param kept text of the sections that were not measured again, by heading
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

/** The sections of a page, by heading. */
export function sectionsOf(text) {
  return new Map(
    text
      .split(/\n(?=## )/)
      .slice(1)
      .map(section => [/^## (.*)/.exec(section)[1], section.trim()])
  );
}
