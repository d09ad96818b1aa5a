import { OutputBuffer, type Output } from './output-buffer';

describe('OutputBuffer', () => {
  let published: Output[];
  let buffer: OutputBuffer;
  const out = (text: string): Output => ({
    name: 'stdout',
    text,
    parent: '{}'
  });

  beforeEach(() => {
    jest.useFakeTimers();
    published = [];
    buffer = new OutputBuffer(output => published.push(output));
  });
  afterEach(() => jest.useRealTimers());

  it('joins adjacent writes', () => {
    buffer.write(out('a'));
    buffer.write(out('b'));
    expect(published).toEqual([]);
    jest.runAllTimers();
    expect(published).toEqual([out('ab')]);
  });

  it('keeps the order of streams and cells', () => {
    buffer.write(out('a'));
    buffer.write({ ...out('b'), name: 'stderr' });
    buffer.write(out('c'));
    buffer.write({ ...out('d'), parent: '{"msg_id":"2"}' });
    buffer.flush();
    expect(published.map(output => output.text)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('publishes nothing twice', () => {
    buffer.write(out('a'));
    buffer.flush();
    buffer.flush();
    jest.runAllTimers();
    expect(published).toHaveLength(1);
  });

  it('does not wait when there is much output', () => {
    buffer.write(out('x'.repeat(300_000)));
    expect(published).toHaveLength(1);
  });
});
