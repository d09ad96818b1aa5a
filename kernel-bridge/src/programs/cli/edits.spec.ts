import { editText } from '../../run/edits/edit-text';
import { Command } from 'commander';
import { addEditOptions, editsOf } from './edits';

function parse(...args: string[]) {
  const command = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return editsOf(addEditOptions(command).parse(args, { from: 'user' }).opts());
}

describe('edits on the command line', () => {
  it('are those of the API', () => {
    expect(
      parse(
        ...['--ablate', '3:5,0:1', '--ablate-mode', 'swap', '--swap-to', '2'],
        ...['--force', '1:4', '--top-k', '1', '--bias', '2:0=+2.5,2:1=-1e-3']
      )
    ).toEqual({
      ablate: [
        { layer: 3, expert: 5, mode: 'swap', to: 2 },
        { layer: 0, expert: 1, mode: 'swap', to: 2 }
      ],
      force: [{ layer: 1, expert: 4 }],
      topK: 1,
      bias: [
        { layer: 2, expert: 0, value: 2.5 },
        { layer: 2, expert: 1, value: -0.001 }
      ]
    });
  });

  it('add to the selection alone', () => {
    expect(
      parse('--selection-bias', '2:0=+2.5,0:attention:1=-1e-3', '--top-k', '1')
    ).toEqual({
      topK: 1,
      selectionBias: [
        { layer: 2, expert: 0, value: 2.5 },
        { layer: 0, module: 'attention', expert: 1, value: -0.001 }
      ]
    });
    expect(parse('--selection-bias', '0:1=2')).toEqual({
      selectionBias: [{ layer: 0, expert: 1, value: 2 }]
    });
    expect(() => parse('--selection-bias', '1:2')).toThrow(
      /give \[STACK:\]L\[:MODULE\]:E=VALUE/
    );
  });

  it('name a router by its stack and module where its layer has several', () => {
    expect(
      parse(
        ...['--ablate', 'encoder:1:4,0:attention:2', '--ablate-mode', 'swap'],
        ...['--swap-to', '1:3,0:attention:0', '--force', 'decoder:0:mlp:7'],
        ...['--top-k', 'encoder:1:1,0:mlp:2', '--bias', '0:attention:2=-.5'],
        ...['--scale', 'decoder:1:0=2']
      )
    ).toEqual({
      ablate: [
        {
          layer: 1,
          stack: 'encoder',
          expert: 4,
          mode: 'swap',
          to: { layer: 1, expert: 3 }
        },
        {
          layer: 0,
          module: 'attention',
          expert: 2,
          mode: 'swap',
          to: { layer: 0, module: 'attention', expert: 0 }
        }
      ],
      force: [{ layer: 0, stack: 'decoder', module: 'mlp', expert: 7 }],
      topK: [
        { layer: 1, stack: 'encoder', k: 1 },
        { layer: 0, module: 'mlp', k: 2 }
      ],
      bias: [{ layer: 0, module: 'attention', expert: 2, value: -0.5 }],
      scale: [{ layer: 1, stack: 'decoder', expert: 0, factor: 2 }]
    });
  });

  it('can be given several times', () => {
    expect(
      parse(
        '--ablate',
        '3:5',
        '--ablate',
        '4:1',
        '--top-k',
        '0:1',
        '--top-k',
        '2:4'
      )
    ).toEqual({
      ablate: [
        { layer: 3, expert: 5 },
        { layer: 4, expert: 1 }
      ],
      topK: [
        { layer: 0, k: 1 },
        { layer: 2, k: 4 }
      ]
    });
  });

  it('are none when none are given', () => {
    expect(parse()).toBeUndefined();
  });

  it.each([
    [['--ablate', '5'], /give \[STACK:\]L\[:MODULE\]:E, such as 3:5/],
    [['--ablate', '3:moe:5'], /give \[STACK:\]L\[:MODULE\]:E/],
    [['--bias', '1:2'], /give \[STACK:\]L\[:MODULE\]:E=VALUE/],
    [['--bias', 'x:1=2'], /give \[STACK:\]L\[:MODULE\]:E/],
    [['--top-k', 'all'], /give K, or \[STACK:\]L\[:MODULE\]:K/],
    [
      ['--ablate', '3:5', '--swap-to', '4:1'],
      /nothing is ablated where 4:1 runs \(--swap-to\)/
    ],
    [
      ['--ablate', '3:5,encoder:1:2', '--swap-to', '3:1'],
      /nothing is given to run instead of encoder:1:2/
    ],
    [
      ['--ablate', '3:mlp:5', '--swap-to', '3:1,3:mlp:2'],
      /3:1 and 3:mlp:2 are given to run instead of 3:mlp:5/
    ],
    [['--top-k', '2', '--top-k', '1:1'], /one k for all layers/],
    [['--ablate', '1:2', '--ablate-mode', 'zero'], /mask, drop or swap/],
    [['--ablate-mode', 'drop'], /nothing is ablated/]
  ])('are rejected if they have no effect: %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});

it('formats edits as text', () => {
  expect(
    (
      [
        { kind: 'ablate', layer: 3, expert: 5, mode: 'drop', tokens: [4, 8] },
        { kind: 'ablate', layer: 3, expert: 5, mode: 'swap', to: 1 },
        { kind: 'bias', layer: 0, expert: 2, value: 2.5, tokens: [7] },
        { kind: 'topK', layer: 1, stack: 'encoder', k: 1 },
        { kind: 'steer', layer: 2, scale: -3, norm: 12.345, tokens: [0, 1] }
      ] as const
    ).map(editText)
  ).toEqual([
    'ablate expert 5 of layer 3 by drop, at tokens 4 to 7',
    'ablate expert 5 of layer 3 by swap to expert 1',
    'add 2.5 to expert 2 of layer 0, from token 7 on',
    'top-1 of encoder layer 1',
    'steer layer 2 by a vector of length 12.3 times -3, at token 0'
  ]);
});
