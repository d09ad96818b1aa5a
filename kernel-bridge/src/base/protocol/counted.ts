/** Counts in messages for people, in English. */

/** "1 token", "2 tokens", "12,000 texts". */
export function counted(
  count: number,
  singular: string,
  plural = `${singular}s`
): string {
  const digits = count < 10_000 ? String(count) : count.toLocaleString('en');
  return `${digits} ${count === 1 ? singular : plural}`;
}
