import {
  expertText,
  placeText,
  quoted,
  type Finding
} from 'moe-debugger/protocol';

/** The filter for the tokens of a finding: those that its expert takes, of the domain that it names. */
export function findingFilter(finding: Finding): string {
  const [expert] = finding.experts;
  const { category, class: name } = finding.evidence;
  return [
    expert === undefined
      ? `layer:${placeText(finding)}`
      : `expert:${expertText({ ...finding, expert })}`,
    ...(category === 'domain' && typeof name === 'string'
      ? [`domain:${quoted(name)}`]
      : [])
  ].join(' ');
}
