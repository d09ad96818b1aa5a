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

/**
 * Keeps Enter, Shift+Enter, undo and redo in the text fields below an element. JupyterLab listens on the field itself and
 * prevents `insertLineBreak` below a cell, and `historyUndo` and `historyRedo` below a notebook, also where the keys run no command
 * of its own. The event is stopped on its way down, before it reaches the field; the browser still edits the text.
 */
export function keepTextEditing(element: HTMLElement): void {
  element.addEventListener('beforeinput', event => event.stopPropagation(), {
    capture: true
  });
}
