import { nullTranslator } from '@jupyterlab/translation';
import { TOOLS, loadTool } from './table';

describe('TOOLS', () => {
  const trans = nullTranslator.load('');

  it('names each tool as sections and commands call it, in their order', () => {
    expect(
      Object.entries(TOOLS).map(([name, { title }]) => [name, title(trans)])
    ).toEqual([
      ['experts', 'Expert selector'],
      ['lens', 'Layer lens'],
      ['attribution', 'Token attribution'],
      ['circuit', 'Circuit'],
      ['steering', 'Steering'],
      ['sweep', 'Sweep'],
      ['findings', 'Findings']
    ]);
  });

  it.each([
    'experts',
    'lens',
    'attribution',
    'circuit',
    'steering',
    'sweep',
    'findings'
  ] as const)('loads %s, which refuses what is no state', async name => {
    const kind = await loadTool(name);
    expect(kind.name).toBe(name);
    expect(() => kind.open({ modelName: 'demo', state: 'none' })).toThrow(
      'is not an object'
    );
  });
});
