/** Tokens of the same classes are of one kind: counted once for all classes that they are of. */
import { tokenClasses } from './token-classes';

/** Classes are nested, so that texts have a few dozen kinds; more than this share one that belongs to no class. */
const MAX_KINDS = 128;
/** A token whose text is unknown is of no kind. */
export const UNKNOWN_KIND = -1;

export class TokenKinds {
  private readonly _kinds = new Map<string, number>();
  /** By kind: indices into `TOKEN_CLASSES`. */
  readonly classes: number[][] = [[]];

  of(text: string | undefined): number {
    if (text === undefined) {
      return UNKNOWN_KIND;
    }
    const classes = tokenClasses(text);
    if (classes.length === 0) {
      return 0;
    }
    const key = classes.join();
    let kind = this._kinds.get(key);
    if (kind === undefined) {
      if (this.classes.length === MAX_KINDS) {
        return 0;
      }
      kind = this.classes.length;
      this._kinds.set(key, kind);
      this.classes.push(classes);
    }
    return kind;
  }
}
