/** Specialists in artificial traces, and none where labels are independent of experts. */
import { samplesOf, type Rule } from '../../../test/made-samples';
import { diagnose } from './diagnose';
import { tokenClasses, TOKEN_CLASSES } from './token-classes';

describe('specialists', () => {
  it('finds specialists for a token type, a domain and a position', () => {
    const text = (id: number): string =>
      id < 10 ? String(id) : String.fromCharCode(87 + id);
    const digits: Rule = ({ id, position }) =>
      id < 10
        ? [2, (id + position) % 2]
        : [3 + ((id + position) % 5), (id * 7) % 2];
    const [digit] = diagnose({
      samples: samplesOf(digits, { text })
    }).findings.filter(({ kind }) => kind === 'specialist-expert');
    expect(digit).toMatchObject({
      experts: [2],
      value: 1,
      evidence: { category: 'token type', class: 'digits', classTokenRate: 1 }
    });
    expect(digit.evidence.tokens![0].id).toBeLessThan(10);

    const german: Rule = ({ domain }) => (domain === 'b' ? [6] : []);
    const domain = diagnose({
      samples: samplesOf(german, { domains: ['a', 'b', 'c', 'd'], samples: 40 })
    }).findings.filter(({ kind }) => kind === 'specialist-expert');
    expect(
      domain.map(({ experts, evidence }) => [experts, evidence.class])
    ).toEqual([[[6], 'b']]);

    const first: Rule = ({ position }) =>
      position === 0 ? [7, 1] : [(position * 3) % 7, (position * 3 + 1) % 7];
    const place = diagnose({ samples: samplesOf(first) }).findings.filter(
      ({ kind }) => kind === 'specialist-expert'
    );
    expect(
      place.map(({ experts, evidence }) => [experts, evidence.class])
    ).toEqual([[[7], 'first token']]);
  });

  it('finds no specialists when labels are independent of experts', () => {
    const text = (id: number): string =>
      id < 10 ? String(id) : String.fromCharCode(87 + id);
    // Every id has experts of its own, as in an untrained model.
    const byId: Rule = ({ id }) => [(id * 37 + 11) % 8, (id * 53 + 5) % 8];
    const { findings } = diagnose({
      samples: samplesOf(byId, { text, domains: ['a', 'b', 'c'] })
    });
    expect(findings.filter(({ kind }) => kind === 'specialist-expert')).toEqual(
      []
    );
  });
});

it.each([
  [' 42', ['digits']],
  ['\n\n', ['whitespace', 'newline']],
  [' (', ['punctuation', 'brackets']],
  [' the', ['letters', 'start of a word']],
  ['The', ['letters', 'inside of a word', 'capitalised']],
  [
    'é',
    ['letters', 'inside of a word', 'single letters', 'letters beyond ASCII']
  ],
  ['<s>', ['special']],
  ['', []]
])('classes of %j', (text, names) => {
  expect(tokenClasses(text).map(i => TOKEN_CLASSES[i])).toEqual(names);
});
