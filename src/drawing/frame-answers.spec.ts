import { FrameAnswers } from './frame-answers';

describe('FrameAnswers', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('answers with the last number, after a frame and not for each', () => {
    const answered: number[] = [];
    const answers = new FrameAnswers(number => answered.push(number));
    [1, 2, 3].forEach(number => answers.add(number));
    expect(answered).toEqual([]);
    jest.advanceTimersByTime(150);
    expect(answered).toEqual([3]);
    answers.add(4);
    jest.advanceTimersByTime(150);
    expect(answered).toEqual([3, 4]);
    jest.advanceTimersByTime(1000);
    expect(answered).toEqual([3, 4]);
    answers.dispose();
  });

  it('does not answer while the page draws no frames, nor after its end', () => {
    const frame = jest
      .spyOn(window, 'requestAnimationFrame')
      .mockReturnValue(0);
    const answered: number[] = [];
    const answers = new FrameAnswers(number => answered.push(number));
    answers.add(1);
    jest.advanceTimersByTime(10_000);
    expect(answered).toEqual([]);
    answers.dispose();
    frame.mockRestore();
    const others = new FrameAnswers(number => answered.push(number));
    others.add(1);
    others.dispose();
    jest.advanceTimersByTime(10_000);
    expect(answered).toEqual([]);
  });
});
