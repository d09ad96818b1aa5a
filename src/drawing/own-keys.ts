/**
 * Marks an element that uses the arrow keys, Enter or Space itself, so that the notebook around it does not take them.
 * The mark must be on the element that has the focus: JupyterLab matches its `:focus` selectors there before it looks
 * at the parents.
 */
export const OWN_KEYS = { 'data-lm-suppress-shortcuts': 'true' } as const;

/** The same for an element made without React. */
export function takeKeys(element: HTMLElement): void {
  element.dataset.lmSuppressShortcuts = 'true';
}
