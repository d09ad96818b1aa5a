import { tokenText } from 'moe-debugger/charts';
import { NO_TOKEN_ID, type TokenRow } from 'moe-debugger/protocol';

/** A token of a list as people read it: a part of a character is that character, and which part. */
export function TokenText({ token }: { token: TokenRow }): JSX.Element {
  const { character } = token;
  return (
    <>
      <bdi>{shownText(token)}</bdi>
      {character && (
        <small className="moe-TokenPart">
          {' '}
          {character.part + 1}/{character.parts}
        </small>
      )}
    </>
  );
}

/** Without the number of the part. */
export function shownText({ character, ...token }: TokenRow): string {
  return tokenText(
    character
      ? { position: token.position, id: NO_TOKEN_ID, text: character.text }
      : token
  );
}
