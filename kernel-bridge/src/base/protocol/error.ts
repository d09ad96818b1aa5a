/** A message or document that does not follow the protocol. Its text is safe to show. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
