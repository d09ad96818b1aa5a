import type { RoutingSample } from 'moe-debugger/protocol';

const LONGEST = 60;

/** The name of a sample, from its id and domain, which may be the same. */
export function sampleName({
  id,
  domain
}: Pick<RoutingSample, 'id' | 'domain'>): string {
  return [...new Set([id.slice(0, LONGEST), domain?.slice(0, LONGEST)])]
    .filter(Boolean)
    .join(' · ');
}
