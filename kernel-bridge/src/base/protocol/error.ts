/** A message or document that violates the protocol. Its message is safe to display. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
