/** The part of JupyterLab's translations that drawings use, so that a page without JupyterLab can provide its own. */
export interface ITranslation {
  /** @param args replace %1, %2 and so on */
  __(text: string, ...args: unknown[]): string;
  /** `singular` where `n` is 1. `n` also replaces %1, and `args` %2 and so on. */
  _n(singular: string, plural: string, n: number, ...args: unknown[]): string;
}
