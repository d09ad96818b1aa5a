import {
  expertText,
  placeText,
  quoted,
  type Finding
} from 'moe-debugger/protocol';

/** The filter for the tokens of a finding: those that its experts take, of the domain that it names. */
export function findingFilter(finding: Finding): string {
  const { experts } = finding;
  const { category, class: name } = finding.evidence;
  return [
    experts.length === 0
      ? `layer:${placeText(finding)}`
      : `expert:${experts.map(expert => expertText({ ...finding, expert })).join(',')}`,
    ...(category === 'domain' && typeof name === 'string'
      ? [`domain:${quoted(name)}`]
      : [])
  ].join(' ');
}
