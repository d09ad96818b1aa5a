/** Texts that take a browser long to draw. */
import { decodeSample, encodeSample, ProtocolError, readExpertsState } from '.';
import { experts } from '../../../test/tool-states';

const marks = (count: number): string => `a${'\u0301'.repeat(count)}`;

function sampleWith(text: string): unknown {
  return {
    ...encodeSample({
      id: 'x'.repeat(5000),
      tokens: [{ position: 0, id: 1, text }],
      layers: []
    })
  };
}

it('is refused with a place if it has marks in a row that a browser draws for a minute', () => {
  expect(() => decodeSample(sampleWith(marks(100_000)))).toThrow(ProtocolError);
  expect(() => decodeSample(sampleWith(marks(100_000)))).toThrow(
    /sample\.tokens\[0\]\.text has more than 1000 combining marks/
  );
  expect(() => readExpertsState({ ...experts, prompt: marks(1001) })).toThrow(
    /prompt has more than 1000 combining marks/
  );
});

it('is kept as it is with the marks that languages have', () => {
  const vietnamese = 'Tiếng Việt'.normalize('NFD').repeat(1000);
  expect(readExpertsState({ ...experts, prompt: vietnamese }).prompt).toBe(
    vietnamese
  );
  expect(
    readExpertsState({ ...experts, prompt: marks(1000) }).prompt
  ).toHaveLength(1001);
});

it('is cut where it is a name or a token', () => {
  const { id, tokens } = decodeSample(sampleWith('y'.repeat(1 << 20)));
  expect([id.length, tokens[0].text!.length]).toEqual([400, 4096]);
});
