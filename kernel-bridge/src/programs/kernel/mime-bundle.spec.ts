import { MIMEBUNDLE } from '../../base/kernel-api';
import { bundleOf, encodeBundle } from './mime-bundle';

describe('bundleOf', () => {
  it('shows text unchanged and other values as Node prints them', async () => {
    expect(await bundleOf('a\nb')).toEqual({ 'text/plain': 'a\nb' });
    expect(await bundleOf({ a: [1] })).toEqual({
      'text/plain': '{ a: [ 1 ] }'
    });
  });

  it("awaits a value's own bundle", async () => {
    const value = {
      [MIMEBUNDLE]: () => Promise.resolve({ 'text/html': '<i/>' })
    };
    expect(await bundleOf(value)).toEqual({ 'text/html': '<i/>' });
  });
});

describe('encodeBundle', () => {
  it('encodes bytes as base64', () => {
    expect(encodeBundle({ 'image/png': new Uint8Array([1, 2, 3]) })).toEqual({
      'image/png': 'AQID'
    });
  });

  it.each(['text', null, undefined, [], new Uint8Array(1)])(
    'refuses %p',
    value => {
      expect(() => encodeBundle(value)).toThrow('MIME bundle');
    }
  );
});
