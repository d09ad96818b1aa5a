import { useEffect, useState } from 'react';

/**
 * The user's input, until another value arrives.
 *
 * @param answer when it changes, the input is replaced by the value, even if that is the same
 */
export function useDraft<T>(
  value: T,
  answer?: unknown
): [T, (draft: T) => void] {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value, answer]);
  return [draft, setDraft];
}
