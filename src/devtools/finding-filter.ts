import {
  expertText,
  placeText,
  quoted,
  type Finding
} from 'moe-debugger/protocol';

/** The filter for the tokens of a finding: those that its expert takes, of the domain that it names. */
export function findingFilter({
  stack,
  layer,
  module,
  experts,
  evidence
}: Finding): string {
  const place = {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
  const [expert] = experts;
  const { category, class: name } = evidence;
  return [
    expert === undefined
      ? `layer:${placeText(place)}`
      : `expert:${expertText({ ...place, expert })}`,
    ...(category === 'domain' && typeof name === 'string'
      ? [`domain:${quoted(name)}`]
      : [])
  ].join(' ');
}
