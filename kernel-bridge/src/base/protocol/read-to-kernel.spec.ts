import { ProtocolError } from './error';
import { readEnvelope, readToKernel, refusalOf } from './read-to-kernel';

const DRAW = {
  type: 'draw',
  request: 3,
  id: 't',
  name: 'loads',
  layerIndex: 2
};
const OPEN = { type: 'open-tool', tool: 4, name: 'lens', modelId: 'm' };

describe('readToKernel', () => {
  it.each([
    { type: 'subscribe' },
    { type: 'unsubscribe' },
    { type: 'get-trace', request: 1, id: 't' },
    { type: 'diagnose', request: 2, id: 't' },
    DRAW,
    OPEN,
    { type: 'act', tool: 4, action: { do: 'anything' } },
    { type: 'close-tool', tool: 4 }
  ])('reads $type, and nothing that does not belong to it', message => {
    expect(readToKernel({ ...message, html: '<b>' })).toEqual(message);
  });

  it.each([
    ['the message is not an object', 7],
    ['the message is not an object', []],
    ['unknown message "erase"', { type: 'erase' }],
    ['unknown message of type number', { type: 7 }],
    [`unknown message "${'x'.repeat(40)}"`, { type: 'x'.repeat(5000) }],
    ['request is not a count', { ...DRAW, request: -1 }],
    ['id is not text', { ...DRAW, id: 7 }],
    ['id is longer than 200 characters', { ...DRAW, id: 'x'.repeat(201) }],
    ['layerIndex is not a count', { ...DRAW, layerIndex: 0.5 }],
    ['this kernel has no figure "pie": update', { ...DRAW, name: 'pie' }],
    ['name is not one of loads', { ...DRAW, name: 7 }],
    ['this kernel has no tool "saw": update', { ...OPEN, name: 'saw' }],
    ['tool is not a count', { ...OPEN, tool: '4' }],
    ['modelId is not text', { ...OPEN, modelId: null }],
    ['modelId is longer', { ...OPEN, modelId: 'x'.repeat(201) }],
    ['tool is not a count', { type: 'act' }],
    ['tool is not a count', { type: 'close-tool', tool: 2 ** 53 }]
  ])('says "%s"', (message, value) => {
    expect(() => readToKernel(value)).toThrow(ProtocolError);
    expect(() => readToKernel(value)).toThrow(message);
  });

  it('takes ids of any length that a page makes', () => {
    const id = 'x'.repeat(200);
    expect(readToKernel({ type: 'get-trace', request: 2 ** 40, id })).toEqual({
      type: 'get-trace',
      request: 2 ** 40,
      id
    });
  });
});

describe('readEnvelope', () => {
  it('reads the numbers of a message, where it has them', () => {
    expect(readEnvelope({ type: 'x' })).toEqual({});
    expect(readEnvelope({ messageId: 0, replyTo: 5 })).toEqual({
      messageId: 0,
      replyTo: 5
    });
    expect(() => readEnvelope({ messageId: 'a' })).toThrow('messageId is not');
    expect(() => readEnvelope({ replyTo: -1 })).toThrow('replyTo is not');
    expect(() => readEnvelope(null)).toThrow('the message is not an object');
  });
});

describe('refusalOf', () => {
  it.each([
    [OPEN, { type: 'tool-error', tool: 4 }],
    [
      { type: 'act', tool: 5 },
      { type: 'tool-error', tool: 5 }
    ],
    [{ type: 'close-tool' }, { type: 'tool-error', tool: -1 }],
    [
      { type: 'act', tool: 'x' },
      { type: 'tool-error', tool: -1 }
    ],
    [
      { type: 'diagnose', request: 2 },
      { type: 'findings-error', request: 2 }
    ],
    [{ type: 'diagnose' }, { type: 'error' }],
    [DRAW, { type: 'figure-error', request: 3 }],
    [{ type: 'draw', request: -1 }, { type: 'error' }],
    [
      { type: 'get-trace', request: 0 },
      { type: 'error', request: 0 }
    ],
    [{ type: 'get-trace', request: 0.5 }, { type: 'error' }],
    [{}, { type: 'error' }],
    [null, { type: 'error' }],
    [[7], { type: 'error' }]
  ])('answers %j as its sender waits for it', (message, answer) => {
    expect(refusalOf(message, 'why')).toEqual({ ...answer, message: 'why' });
  });

  it('shortens the reason', () => {
    const { message } = refusalOf({}, 'x'.repeat(5000)) as { message: string };
    expect(message).toBe('x'.repeat(400));
  });
});
