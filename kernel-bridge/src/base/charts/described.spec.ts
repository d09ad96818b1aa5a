import { described, descriptionOf, VEGA_LITE_5 } from '.';

const spec = (title?: unknown) => ({
  $schema: VEGA_LITE_5,
  ...(title === undefined ? {} : { title })
});

describe('the description of a chart', () => {
  it('is the given text, or its title and subtitle', () => {
    const titled = spec({ text: ['demo', 'layer 1'], subtitle: 'top 2 of 8' });
    expect(described(titled).description).toBe('demo, layer 1, top 2 of 8');
    expect(described(titled, 'Loads').description).toBe('Loads');
    expect(descriptionOf(spec('Loads'))).toBe('Loads');
  });

  it('is the one that the specification has', () => {
    const own = { ...spec('title'), description: 'own' };
    expect(described(own, 'other')).toBe(own);
    expect(descriptionOf(own)).toBe('own');
  });

  it('is empty where nothing says what is drawn, or only an expression does', () => {
    expect(described(spec())).toEqual(spec());
    expect(descriptionOf(spec({ text: { expr: 'a' } }))).toBe('');
  });
});
