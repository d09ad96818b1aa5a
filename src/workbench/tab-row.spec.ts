import { testContext } from '../testing/context';
import { act } from '../testing/react';
import { TabRow, fittingTabs } from './tab-row';

const TABS = ['Overview', 'Network', 'Lens', 'Findings'].map(title => ({
  id: title.toLowerCase(),
  title
}));

describe('fittingTabs', () => {
  it('shows all where there is room', () => {
    expect(fittingTabs(TABS, 'lens', 1000)).toHaveLength(4);
    expect(fittingTabs(TABS, 'lens', Infinity)).toHaveLength(4);
  });

  it('leaves out the last ones, and never the current one', () => {
    const fitting = fittingTabs(TABS, 'findings', 230);
    expect(fitting).toEqual(['overview', 'findings']);
    expect(fittingTabs(TABS, 'findings', 10)).toEqual(['findings']);
    expect(fittingTabs(TABS, 'none', 10)).toEqual([]);
  });
});

describe('TabRow', () => {
  async function shown() {
    const chosen: string[] = [];
    const row = await act(async () => {
      const own: TabRow = new TabRow({
        label: 'Views',
        tabs: TABS,
        trans: testContext().trans,
        choose: id => {
          chosen.push(id);
          own.current = id;
        }
      });
      document.body.append(own.node);
      return own;
    });
    const tab = (title: string) =>
      [...row.node.querySelectorAll<HTMLElement>('[role=tab]')].find(
        own => own.textContent === title
      )!;
    const press = (key: string, more: object = {}) =>
      act(async () => {
        row.node
          .querySelector('[role=tablist]')!
          .dispatchEvent(
            new KeyboardEvent('keydown', { key, bubbles: true, ...more })
          );
      });
    return { row, chosen, tab, press };
  }

  it('chooses by click, and by arrow keys from one end to the other', async () => {
    const { chosen, tab, press, row } = await shown();
    await act(async () => tab('Lens').click());
    await press('ArrowRight');
    await press('ArrowRight');
    await press('ArrowLeft');
    await press('Home');
    await press('End');
    expect(chosen).toEqual([
      'lens',
      'findings',
      'overview',
      'findings',
      'overview',
      'findings'
    ]);
    expect(tab('Findings').getAttribute('aria-selected')).toBe('true');
    expect(tab('Findings').tabIndex).toBe(0);
    expect(tab('Lens').tabIndex).toBe(-1);
    act(() => row.dispose());
  });

  it('leaves Alt and an arrow to the history', async () => {
    const { chosen, press, row } = await shown();
    await press('ArrowRight', { altKey: true });
    expect(chosen).toEqual([]);
    act(() => row.dispose());
  });
});
