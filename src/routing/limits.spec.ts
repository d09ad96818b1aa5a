import { layer, sample, view } from '../testing/documents';
import { checkDrawable } from './limits';

const withExperts = (experts: number) =>
  view([sample('a', [layer(0, { experts })])]);

describe('checkDrawable', () => {
  it('passes a document through', () => {
    const document = view();
    expect(checkDrawable(document)).toBe(document);
  });

  it.each([0, 5000])('refuses a layer of %d experts', experts => {
    expect(() => checkDrawable(withExperts(experts))).toThrow(
      `a layer of ${experts} experts cannot be drawn`
    );
  });

  it('refuses more cells than a page can hold', () => {
    const document = withExperts(4096);
    document.samples[0].tokens = Array.from({ length: 4096 }, (_, id) => ({
      position: id,
      id
    }));
    expect(() => checkDrawable(document)).toThrow(
      '4096 tokens × 4096 experts are more than'
    );
  });
});
