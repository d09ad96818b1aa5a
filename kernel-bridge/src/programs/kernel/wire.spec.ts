import { createHmac } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import { makeHeader, Wire, type SignedParts } from './wire';

const KEY = 'a key';
const HEADER = makeHeader('execute_request', 'session');
const PARTS: SignedParts = [
  JSON.stringify(HEADER),
  '{}',
  '{"m":1}',
  '{"code":"1"}'
];

/** Frames as ZeroMQ delivers them. */
function frames(
  key = KEY,
  parts = PARTS,
  buffers: Uint8Array[] = []
): Buffer[] {
  return new Wire(key)
    .serialize([Buffer.from('client')], parts, buffers)
    .map(frame => Buffer.from(frame));
}

describe('Wire', () => {
  it('round-trips', () => {
    const message = new Wire(KEY).parse(
      frames(KEY, PARTS, [Buffer.from([0, 255])])
    );
    expect(message.header).toEqual(HEADER);
    expect(message.metadata).toEqual({ m: 1 });
    expect(message.content).toEqual({ code: '1' });
    expect(message.identities.map(String)).toEqual(['client']);
    expect(message.buffers).toEqual([Buffer.from([0, 255])]);
  });

  it('signs the four JSON parts and not the buffers', () => {
    const expected = createHmac('sha256', KEY)
      .update(PARTS.join(''))
      .digest('hex');
    expect(frames(KEY, PARTS, [Buffer.from('binary')])[2].toString()).toBe(
      expected
    );
  });

  it.each([
    ['half a pair alone', 'a\ud83d', 'a\ufffd'],
    ['the other half alone', '\ude00 b', '\ufffd b'],
    ['halves in the wrong order', '\ude00\ud83d', '\ufffd\ufffd'],
    ['a whole pair', '\u{1f600}', '\u{1f600}'],
    ['a backslash before what looks like an escape', '\\ud83d', '\\ud83d'],
    ['a backslash before half a pair', '\\\ud83d', '\\\ufffd']
  ])('sends text that UTF-8 can hold: %s', (_what, text, sent) => {
    const content = JSON.stringify({ [text]: text });
    const message = new Wire(KEY).parse(
      frames(KEY, [JSON.stringify(HEADER), '{}', '{}', content])
    );
    expect(message.content).toEqual({ [sent]: sent });
  });

  it('signs nothing without a key', () => {
    expect(frames('')[2]).toHaveLength(0);
    expect(new Wire('').parse(frames('')).header).toEqual(HEADER);
  });

  it('takes the hash from the signature scheme', () => {
    const sha512 = new Wire(KEY, 'hmac-sha512');
    expect(sha512.serialize([], PARTS)[1]).toHaveLength(128);
    expect(() => new Wire(KEY, 'rsa')).toThrow(MoEDebuggerError);
  });

  it.each<[string, () => Buffer[], string]>([
    ['nothing', () => [], 'no delimiter'],
    [
      'a delimiter that comes too late',
      () => [...Array<Buffer>(40).fill(Buffer.alloc(0)), ...frames()],
      'no delimiter'
    ],
    ['too few parts', () => frames().slice(0, 6), 'not 5 or more'],
    ['a wrong key', () => frames('other'), 'signature is wrong'],
    [
      'a short signature',
      () => [...frames().slice(0, 2), Buffer.from('00'), ...frames().slice(3)],
      'signature is wrong'
    ],
    [
      'a changed part',
      () => [...frames().slice(0, 6), Buffer.from('{"code":"2"}')],
      'signature is wrong'
    ],
    ['no JSON', () => frames(KEY, [PARTS[0], '{', '{}', '{}']), 'not JSON'],
    [
      'a list',
      () => frames(KEY, [PARTS[0], '[]', '{}', '{}']),
      'not a JSON object'
    ],
    [
      'null',
      () => frames(KEY, [PARTS[0], '{}', '{}', 'null']),
      'not a JSON object'
    ],
    [
      'a header without a type',
      () => frames(KEY, ['{"msg_id":"1","session":"s"}', '{}', '{}', '{}']),
      'no msg_type'
    ],
    [
      'a header whose type is a number',
      () =>
        frames(KEY, [
          '{"msg_type":1,"msg_id":"1","session":"s"}',
          '{}',
          '{}',
          '{}'
        ]),
      'no msg_type'
    ]
  ])('refuses %s', (_, hostile, reason) => {
    expect(() => new Wire(KEY).parse(hostile())).toThrow(reason);
    expect(() => new Wire(KEY).parse(hostile())).toThrow(
      expect.objectContaining({ code: 'protocol' })
    );
  });
});
