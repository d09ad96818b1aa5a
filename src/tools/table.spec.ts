import { nullTranslator } from '@jupyterlab/translation';
import { TOOL_NAMES } from 'moe-debugger/protocol';
import { TOOLS, loadTool } from './table';

describe('TOOLS', () => {
  const names = [...TOOL_NAMES, 'findings'] as const;

  it('lists sections and commands in the same order, each with its own title', () => {
    expect(Object.keys(TOOLS)).toEqual(names);
    const trans = nullTranslator.load('');
    const titles = Object.values(TOOLS).map(({ title }) => title(trans));
    expect(titles).not.toContain('');
    expect(new Set(titles).size).toBe(names.length);
  });

  it.each(names)('loads %s, which refuses an invalid state', async name => {
    const kind = await loadTool(name);
    expect(kind.name).toBe(name);
    expect(() => kind.open({ modelName: 'demo', state: 'none' })).toThrow(
      'is not an object'
    );
  });
});
