import { useEffect, useRef, useState } from 'react';

/**
 * The user's input. A value that arrives replaces it unless the user has changed it: an answer to what was submitted before must
 * not remove what was typed since.
 *
 * @param answer when it changes, the input is replaced by the value, even if that is the same
 */
export function useDraft<T>(
  value: T,
  answer?: unknown
): [T, (draft: T) => void] {
  const [draft, setDraft] = useState(value);
  const known = useRef(value);
  useEffect(() => {
    const before = known.current;
    known.current = value;
    setDraft(own => (Object.is(own, before) ? value : own));
  }, [value]);
  useEffect(() => setDraft(value), [answer]);
  return [draft, setDraft];
}
