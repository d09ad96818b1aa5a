import { sampleName } from './sample-name';

describe('sampleName', () => {
  it('omits the part that id and domain share', () => {
    expect(sampleName({ id: 'german', domain: 'german' })).toBe('german');
    expect(sampleName({ id: '0', domain: 'german' })).toBe('0 · german');
    expect(sampleName({ id: '0' })).toBe('0');
  });
});
