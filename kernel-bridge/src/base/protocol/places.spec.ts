import {
  expertText,
  findPlace,
  placeText,
  readExpertPlace,
  readNumberedPlace,
  readPlace
} from './places';

const PLACES = [
  ['3', { layer: 3 }],
  ['0:attention', { layer: 0, module: 'attention' }],
  ['12:mlp', { layer: 12, module: 'mlp' }],
  ['encoder:1', { layer: 1, stack: 'encoder' }],
  ['decoder:7:attention', { layer: 7, stack: 'decoder', module: 'attention' }]
] as const;

describe('[STACK:]L[:MODULE]', () => {
  it.each(PLACES)('reads and writes %s', (text, place) => {
    expect(readPlace(text)).toEqual(place);
    expect(placeText(place)).toBe(text);
    expect(readExpertPlace(`${text}:4`)).toEqual({ ...place, expert: 4 });
    expect(expertText({ ...place, expert: 4 })).toBe(`${text}:4`);
    expect(readNumberedPlace(`${text}:2`)).toEqual({ place, number: 2 });
  });

  it.each([
    '',
    'encoder',
    'attention:0',
    '0:encoder',
    '0:attention:mlp',
    'Encoder:0',
    'moe:0',
    '0:experts',
    '-1',
    '1.5',
    '0x1',
    ' 1',
    '1\n',
    'encoder:decoder:0',
    '__proto__'
  ])('does not read %j', text => {
    expect(readPlace(text)).toBeUndefined();
    expect(readExpertPlace(`${text}:1`)).toBeUndefined();
  });

  it('needs a number for an expert, and none for a router', () => {
    expect(readExpertPlace('3')).toBeUndefined();
    expect(readExpertPlace('3:mlp')).toBeUndefined();
    expect(readExpertPlace('3:1:2')).toBeUndefined();
    expect(readPlace('3:1')).toBeUndefined();
  });
});

describe('findPlace', () => {
  const ROUTERS = [
    { layer: 0, stack: 'encoder' },
    { layer: 0, stack: 'decoder', module: 'attention' },
    { layer: 0, stack: 'decoder', module: 'mlp' },
    { layer: 1, stack: 'decoder' }
  ] as const;
  const find = (text: string): number =>
    findPlace(readPlace(text)!, ROUTERS, 'input');

  it.each([
    ['encoder:0', 0],
    ['0:attention', 1],
    ['decoder:0:mlp', 2],
    ['1', 3],
    ['decoder:1', 3]
  ])('finds what %s means', (text, index) => {
    expect(find(text)).toBe(index);
  });

  it.each([
    [
      '0',
      'layer 0 has more than one router (layer 0): say by stack or module which of encoder:0, decoder:0:attention, decoder:0:mlp'
    ],
    [
      'decoder:0',
      'decoder layer 0 has more than one router (decoder layer 0): say by stack or module which of decoder:0:attention, decoder:0:mlp'
    ],
    [
      '1:mlp',
      'layer 1 mlp has no router (layer 1 mlp): choose one of encoder layer 0, decoder layer 0 attention, decoder layer 0 mlp, decoder layer 1'
    ]
  ])('refuses %s by name', (text, message) => {
    expect(() => find(text)).toThrow(
      expect.objectContaining({ code: 'input', message })
    );
  });
});
