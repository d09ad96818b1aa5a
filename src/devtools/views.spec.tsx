import type { Finding } from 'moe-debugger/protocol';
import { ReactDrawing } from '../drawing';
import { OUTLINE, outlineRouter, viewContext } from '../testing/fake-source';
import { act, type } from '../testing/react';
import { Address } from './address';
import type { IViewProps } from './context';
import { Findings } from './findings';
import { Network } from './network';
import { Overview } from './overview';
import { StatusLine } from './status-line';

// The table draws the rows that fit into its element, and elements have no size here.
Object.defineProperties(HTMLElement.prototype, {
  clientHeight: { get: () => 600 },
  clientWidth: { get: () => 800 }
});

const FINDING: Finding = {
  kind: 'specialist-expert',
  severity: 'info',
  layer: 2,
  experts: [1],
  metric: 'tokenRate',
  formula: '',
  value: 0.9,
  threshold: 0.5,
  message: 'expert 1 takes 90 % of the tokens of "german"',
  evidence: { category: 'domain', class: 'german' },
  suggestions: []
};
const found = (findings: Finding[]) => ({
  running: false,
  omitted: 0,
  found: {
    tokens: 12,
    samples: 2,
    findings,
    undecided: [],
    checks: [
      {
        kind: 'dead-expert' as const,
        looked: true,
        count: 0,
        undecided: 0,
        threshold: 10,
        certainty: '95 %'
      },
      {
        kind: 'load-imbalance' as const,
        looked: true,
        count: 0,
        undecided: 2,
        threshold: 0.8,
        certainty: '95 %'
      },
      {
        kind: 'specialist-expert' as const,
        looked: true,
        why: 'the texts have no domain',
        count: 0,
        undecided: 0,
        threshold: 0.5,
        certainty: 'corrected p'
      },
      {
        kind: 'drift' as const,
        looked: false,
        why: 'no baseline was given',
        count: 0,
        undecided: 0,
        threshold: null,
        certainty: ''
      }
    ],
    coverage: { routers: 2, routersWithWeights: 2 }
  }
});

async function shown(
  View: (props: IViewProps) => JSX.Element | null,
  prepare: (made: ReturnType<typeof viewContext>) => void = () => undefined
) {
  const made = viewContext();
  prepare(made);
  const drawing = await act(async () => {
    const own = new ReactDrawing(<View context={made.context} />);
    document.body.append(own.node);
    return own;
  });
  const { node } = drawing;
  const button = (name: string): HTMLButtonElement => {
    const all = [...node.querySelectorAll('button')];
    const own = all.find(
      each =>
        each.getAttribute('aria-label') === name ||
        each.textContent!.trim() === name
    );
    if (!own) {
      throw new Error(
        `no button ${name} among ${all.map(each => each.textContent).join(', ')}`
      );
    }
    return own;
  };
  return {
    ...made,
    node,
    drawing,
    press: (name: string) => act(async () => button(name).click()),
    key: (target: Element, key: string) =>
      act(async () => {
        target.dispatchEvent(
          new KeyboardEvent('keydown', { key, bubbles: true })
        );
      }),
    text: (selector: string) =>
      [...node.querySelectorAll(selector)].map(own => own.textContent!.trim())
  };
}

afterEach(() => document.body.replaceChildren());

describe('Overview', () => {
  it('diagnoses a finished trace once, and then shows what was looked for', async () => {
    const { source, node, text } = await shown(Overview);
    expect(source.diagnosed).toBe(1);
    expect(text('h2')).toEqual(['6 experts in 2 MoE layers']);
    await act(async () => source.show({ findings: found([FINDING]) as never }));
    expect(source.diagnosed).toBe(1);
    expect(text('h2')).toEqual([
      '0 dead of 6 experts, 1 specialist, balance: cannot tell yet'
    ]);
    expect(text('.moe-Check')).toEqual([
      'Dead expert: 0',
      'Load imbalance: cannot tell yet',
      'Specialist: 0, in part',
      'Drift: not run'
    ]);
    expect(
      node.querySelector('.moe-Check.moe-mod-skipped')!.getAttribute('title')
    ).toContain('no baseline was given');
    expect(text('.moe-Overview-base')).toEqual([
      '12 tokens in 2 samples, 2 domains of text'
    ]);
  });

  it('leaves a trace in the making, and a large one, to the user', async () => {
    const running = await shown(Overview, ({ source }) => {
      source.trace = { ...source.trace!, running: true };
    });
    expect(running.source.diagnosed).toBe(0);
    const large = await shown(Overview, ({ source }) => {
      source.outline = { ...OUTLINE, tokens: 100_001 };
    });
    expect(large.source.diagnosed).toBe(0);
    await large.press('Diagnose 100001 tokens');
    expect(large.source.diagnosed).toBe(1);
  });

  it('asks for nothing while it is hidden', async () => {
    const { source } = await shown(({ context }) => (
      <Overview context={context} isShown={false} />
    ));
    await act(async () => source.show({ isReading: false }));
    expect(source.diagnosed).toBe(0);
  });

  it('does not ask again and again when the diagnosis fails', async () => {
    const { source } = await shown(Overview);
    await act(async () => source.show({ error: 'out of memory' }));
    await act(async () => source.show({ isReading: false }));
    expect(source.diagnosed).toBe(1);
  });

  it('selects an expert, and shows its shares', async () => {
    const { context, node } = await shown(Overview);
    const column = [
      ...node.querySelectorAll<HTMLElement>('.moe-ExpertColumn')
    ][4];
    expect(column.getAttribute('aria-label')).toBe(
      'layer 2, expert 1, 67 % of all tokens, 100 % of english, 0 % of german'
    );
    await act(async () => column.click());
    expect(context.selection.current).toEqual({ layerIndex: 1, expert: 1 });
    expect(column.getAttribute('aria-pressed')).toBe('true');
  });

  it('opens the tokens of a finding', async () => {
    const { context, opened, press } = await shown(Overview, ({ source }) => {
      source.findings = found([FINDING]) as never;
    });
    await press('See its tokens');
    expect(opened).toEqual(['network']);
    expect(context.network.filter).toBe('expert:2:1 domain:german');
    expect(context.selection.current).toMatchObject({
      layerIndex: 1,
      expert: 1
    });
  });

  it('draws many experts as an image that the arrow keys walk', async () => {
    const drawn = jest
      .spyOn(HTMLCanvasElement.prototype, 'getContext')
      .mockReturnValue(null);
    const { context, node, key } = await shown(Overview, ({ source }) => {
      source.outline = {
        ...OUTLINE,
        routers: [
          outlineRouter(0, {
            experts: 64,
            counts: new Int32Array(64).fill(1),
            domainCounts: new Int32Array(128)
          }),
          outlineRouter(2, {
            experts: 64,
            counts: new Int32Array(64).fill(1),
            domainCounts: new Int32Array(128)
          })
        ]
      };
    });
    const canvas = node.querySelector('canvas')!;
    await key(canvas, 'ArrowDown');
    await key(canvas, 'ArrowRight');
    expect(context.selection.current).toMatchObject({
      layerIndex: 1,
      expert: 1
    });
    await key(canvas, 'ArrowDown');
    expect(context.selection.current.layerIndex).toBe(1);
    expect(node.querySelectorAll('.moe-ExpertColumn')).toHaveLength(0);
    drawn.mockRestore();
  });

  it('says what is missing, and what to do', async () => {
    const { source, node } = await shown(Overview, made => {
      made.source.outline = undefined;
    });
    expect(node.textContent).toContain('Run a cell with loadModel');
    await act(async () => source.show({ isLive: false }));
    expect(node.textContent).toContain('is not connected');
    await act(async () => source.show({ error: 'damaged' }));
    expect(node.textContent).toContain('cannot be shown: damaged');
  });
});

describe('Network', () => {
  it('lists tokens with the experts that they chose', async () => {
    const { node, text } = await shown(Network);
    expect(text('[role=columnheader]')).toEqual([
      '# ▴',
      'token',
      'sample',
      'layer 0',
      'layer 2',
      'margin'
    ]);
    const rows = [...node.querySelectorAll('.moe-TokenTable-row')];
    expect(rows).toHaveLength(12);
    expect(rows[3].querySelector('.moe-mod-token')!.textContent).toBe('t3');
    const [chip] = rows[3].querySelectorAll('.moe-Chip');
    expect(chip.getAttribute('aria-label')).toBe('layer 0: 0 (0.75), 1 (0.25)');
    expect(chip.classList.contains('moe-mod-close')).toBe(true);
    expect(rows[4].querySelector('.moe-mod-close')).toBeNull();
    expect(text('[role=status]')).toContain('12 of 12 tokens');
  });

  it('selects by click and by arrow keys, and shows the token in detail', async () => {
    const { context, node, key, text } = await shown(Network);
    const cell = node.querySelectorAll(
      '.moe-TokenTable-row:nth-child(3) .moe-mod-layer'
    )[1] as HTMLElement;
    await act(async () => cell.click());
    expect(context.selection.current).toEqual({
      token: 2,
      sample: 0,
      layerIndex: 1,
      expert: 0
    });
    const grid = node.querySelector('[role=grid]')!;
    await key(grid, 'ArrowDown');
    await key(grid, 'ArrowLeft');
    expect(context.selection.current).toMatchObject({
      token: 3,
      layerIndex: 0
    });
    expect(text('.moe-TokenDetail h3')[0]).toBe('t3token 3 of first');
    expect(text('.moe-TokenDetail-layers tbody tr')).toEqual([
      '00 0.75   1 0.2520.05',
      '20 0.75   1 0.2520.05'
    ]);
    await key(grid, 'End');
    expect(context.selection.current).toMatchObject({ token: 11, sample: 1 });
    await key(grid, 'Home');
    expect(context.selection.current.token).toBe(0);
  });

  it('sorts by a column, and turns the order at the second click', async () => {
    const { context, press } = await shown(Network);
    await press('layer 2');
    expect(context.network.order).toEqual({
      order: 'expert',
      layerIndex: 1,
      isDescending: false
    });
    await press('layer 2 ▴');
    expect(context.network.order.isDescending).toBe(true);
  });

  it('filters, offers filters, and says what is wrong with one', async () => {
    const { context, node, press, text } = await shown(Network, made =>
      made.context.selection.set({ layerIndex: 1, expert: 2 })
    );
    await press('This expert');
    expect(context.network.filter).toBe('expert:2:2');
    await press('Near misses');
    expect(context.network.filter).toBe('margin<0.1');
    type(node.querySelector('input')!, 'exprt:3');
    expect(text('.moe-FilterBox-problems li')).toEqual([
      'exprt:3 unknown name "exprt": did you mean expert?'
    ]);
    expect(node.querySelector('input')!.getAttribute('aria-invalid')).toBe(
      'true'
    );
  });

  it('says when no token passes, and why a list cannot be read', async () => {
    const { source, context, node } = await shown(Network, made => {
      made.source.answer = () =>
        Promise.resolve({
          total: 12,
          matches: 0,
          problems: [],
          from: 0,
          rows: [],
          layers: []
        });
    });
    expect(node.textContent).toContain('No token passes this filter.');
    source.answer = () => Promise.reject(new Error('no longer kept'));
    await act(async () => {
      context.network.order = { ...context.network.order, isDescending: true };
    });
    expect(node.querySelector('[role=alert]')!.textContent).toContain(
      'no longer kept'
    );
  });
});

describe('Findings', () => {
  it('asks for the diagnosis, and lists the findings', async () => {
    const { source, node, press } = await shown(Findings);
    expect(node.textContent).toContain('Press Diagnose');
    await press('Diagnose');
    expect(source.diagnosed).toBe(1);
    await act(async () => source.show({ findings: found([FINDING]) as never }));
    expect(node.textContent).toContain('expert 1 takes 90 %');
    await act(async () => source.show({ error: 'No weights.' }));
    expect(node.querySelector('[role=alert]')!.textContent).toBe('No weights.');
  });

  it('does not diagnose a trace that is being written', async () => {
    const { node } = await shown(Findings, ({ source }) => {
      source.trace = { ...source.trace!, running: true };
    });
    expect(node.querySelector('button')!.disabled).toBe(true);
    expect(node.textContent).toContain('is being written');
  });
});

it('the address names what is selected, and goes back', async () => {
  const { context, node, text, press } = await shown(Address);
  expect(text('li')).toEqual(['model demo', 'trace two texts', 'layer 0']);
  await act(async () =>
    context.selection.set({ sample: 1, layerIndex: 1, expert: 2 })
  );
  expect(text('li')).toEqual([
    'model demo',
    'trace two texts',
    'sample second',
    'layer 2',
    'expert 2'
  ]);
  expect(node.querySelector('[aria-current]')!.textContent).toContain('expert');
  await press('Back');
  expect(text('li')).toHaveLength(3);
  await press('Forward');
  expect(text('li')).toHaveLength(5);
});

it('the status line says what is shown, and of what', async () => {
  const { source, text } = await shown(StatusLine);
  expect(text('footer > span')).toEqual([
    'demo on a.ipynb',
    '2 MoE layers × 3 experts, top 2',
    '12 tokens in 2 samples',
    'all 2 layers captured'
  ]);
  await act(async () =>
    source.show({
      isLive: false,
      isStale: true,
      trace: {
        ...source.trace!,
        coverage: { ...source.trace!.coverage, layersCaptured: 1 }
      }
    })
  );
  expect(text('footer > span')[0]).toContain('the kernel ended');
  expect(text('footer > span')[3]).toBe('1 of 2 layers captured');
});
