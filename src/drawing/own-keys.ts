/**
 * Marks an element that handles the arrow keys, Enter or Space, so that the notebook around it does not.
 * The mark must be on the element that has the focus: JupyterLab matches its `:focus` selectors there before it looks
 * at the parents.
 */
export const OWN_KEYS = { 'data-lm-suppress-shortcuts': 'true' } as const;

/** The same for an element created without React. */
export function takeKeys(element: HTMLElement): void {
  element.dataset.lmSuppressShortcuts = 'true';
}
