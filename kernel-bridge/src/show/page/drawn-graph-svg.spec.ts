import { drawnGraphSvg } from './drawn-graph-svg';

/** Rules of a style sheet: selector, and declarations in their order. */
function rulesOf(svg: string): [selector: string, declarations: string[]][] {
  const style = /<style>(.*?)<\/style>/s.exec(svg)![1];
  return [...style.matchAll(/([^{}]+)\{([^{}]*)\}/g)].map(
    ([, selector, body]) => [
      selector.trim(),
      body
        .split(';')
        .map(own => own.trim())
        .filter(own => own !== '')
    ]
  );
}

it('has a literal colour before each one of a page, for programs that know no variables', () => {
  const svg = drawnGraphSvg({
    name: 'g',
    title: 'a graph',
    edgesShow: 'labels',
    groups: ['layer 0'],
    nodes: [
      { lines: ['a'], details: [], rank: 0, group: 0, strong: false },
      { lines: ['b'], details: [], rank: 1, group: 0, strong: true }
    ],
    edges: [{ from: 0, to: 1, label: 'x', dashed: false }]
  });
  const themed = rulesOf(svg).flatMap(([selector, declarations]) =>
    declarations.flatMap((declaration, i) =>
      declaration.includes('var(')
        ? [[selector, declarations[i - 1], declaration] as const]
        : []
    )
  );
  expect(themed.length).toBeGreaterThan(8);
  for (const [, before, declaration] of themed) {
    const [property] = declaration.split(':');
    expect(before).toMatch(new RegExp(`^${property}: #[0-9a-f]{3,6}$`));
  }
  // Nothing is drawn by the black that stands for no colour.
  expect(rulesOf(svg).map(([selector]) => selector)).toEqual(
    expect.arrayContaining(['svg.graph text', 'svg.graph rect'])
  );
});
