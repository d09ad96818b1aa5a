import { FakeSource, OUTLINE, page } from '../../testing/fake-source';
import { NetworkModel } from './model';

const settle = () => jest.advanceTimersByTimeAsync(300);

function opened() {
  const source = new FakeSource();
  source.show({ outline: OUTLINE });
  const network = new NetworkModel(source);
  return { source, network };
}

describe('NetworkModel', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('asks once for a page, and gives its rows', async () => {
    const { source, network } = opened();
    network.open();
    network.open();
    expect(network.at(3)).toBeUndefined();
    expect(network.isReading).toBe(true);
    await settle();
    expect(source.asked).toEqual([
      {
        filter: '',
        order: 'position',
        layerIndex: 0,
        isDescending: false,
        from: 0,
        count: 200
      }
    ]);
    expect([network.matches, network.total]).toEqual([12, 12]);
    expect(network.at(3)!.token.text).toBe('t3');
    expect(network.indexOf(9)).toBe(9);
    expect(network.indexOf(99)).toBeUndefined();
  });

  it('asks for the page that a row is in', async () => {
    const { source, network } = opened();
    network.open();
    await settle();
    network.at(450);
    expect(source.asked.at(-1)).toMatchObject({ from: 400, count: 200 });
  });

  it('waits while a filter is typed, and keeps the old list until the new one comes', async () => {
    const { source, network } = opened();
    network.open();
    await settle();
    for (const filter of ['e', 'ex', 'expert:1']) {
      network.filter = filter;
      await jest.advanceTimersByTimeAsync(50);
    }
    expect(source.asked).toHaveLength(1);
    let answer: () => void = () => undefined;
    source.answer = question =>
      new Promise(resolve => {
        answer = () => resolve(page(question, { matches: 2 }));
      });
    await settle();
    expect(source.asked.map(({ filter }) => filter)).toEqual(['', 'expert:1']);
    expect([network.matches, network.at(0)?.token.text]).toEqual([12, 't0']);
    answer();
    await settle();
    expect(network.matches).toBe(2);
  });

  it('drops an answer to an earlier filter', async () => {
    const { source, network } = opened();
    const answers: (() => void)[] = [];
    source.answer = question =>
      new Promise(resolve =>
        answers.push(() =>
          resolve(page(question, { matches: question.filter.length }))
        )
      );
    network.open();
    network.filter = 'later';
    await settle();
    answers[1]();
    await settle();
    answers[0]();
    await settle();
    expect(network.matches).toBe(5);
  });

  it('says why a list could not be read, and asks again for another filter', async () => {
    const { source, network } = opened();
    source.answer = () => Promise.reject(new Error('no longer kept'));
    network.open();
    await settle();
    expect(network.error).toBe('no longer kept');
    network.at(0);
    expect(source.asked).toHaveLength(1);
    source.answer = question => Promise.resolve(page(question));
    network.filter = 'x';
    await settle();
    expect([network.error, network.matches]).toEqual([undefined, 12]);
  });

  it('reads again when the trace has changed, and not for other changes', async () => {
    const { source, network } = opened();
    network.open();
    await settle();
    source.show({});
    await settle();
    expect(source.asked).toHaveLength(1);
    source.show({ revision: 2 });
    await settle();
    expect(source.asked).toHaveLength(2);
    network.dispose();
    source.show({ revision: 3 });
    await settle();
    expect(source.asked).toHaveLength(2);
  });

  it('follows a trace that grows when it is shown again', async () => {
    const { source, network } = opened();
    network.open();
    await settle();
    network.isShown = false;
    source.show({ revision: 2 });
    source.show({ revision: 3 });
    await settle();
    expect(source.asked).toHaveLength(1);
    network.isShown = true;
    await settle();
    expect(source.asked).toHaveLength(2);
  });

  it('asks nothing while the source is gone', async () => {
    const { source, network } = opened();
    source.isLive = false;
    network.open();
    network.filter = 'x';
    await settle();
    expect(source.asked).toEqual([]);
  });
});
