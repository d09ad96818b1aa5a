import { useEffect, useState } from 'react';

/**
 * What a person fills in, until another value arrives.
 *
 * @param answer when it changes, the value counts again, also where it is the same
 */
export function useDraft<T>(
  value: T,
  answer?: unknown
): [T, (draft: T) => void] {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value, answer]);
  return [draft, setDraft];
}
