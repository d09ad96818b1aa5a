import { sampleName } from './sample-name';

describe('sampleName', () => {
  it('says once what id and domain have in common', () => {
    expect(sampleName({ id: 'german', domain: 'german' })).toBe('german');
    expect(sampleName({ id: '0', domain: 'german' })).toBe('0 · german');
    expect(sampleName({ id: '0' })).toBe('0');
  });
});
