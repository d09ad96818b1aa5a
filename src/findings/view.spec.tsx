import { readFindingsState } from 'moe-debugger/protocol';
import { ReactDrawing } from '../drawing';
import { act } from '../testing/react';
import { testContext } from '../testing/context';
import { FindingsModel, FindingsView } from '.';

/** What a page shows of a diagnosis. */
function shown(found: object): string {
  const model = new FindingsModel({
    modelName: 'm',
    state: {
      running: false,
      omitted: 0,
      found: {
        tokens: 1,
        samples: 1,
        findings: [],
        undecided: [],
        coverage: { routers: 1, routersWithWeights: 0 },
        ...found
      }
    },
    read: readFindingsState
  });
  let drawing!: ReactDrawing;
  act(() => {
    drawing = new ReactDrawing(
      <FindingsView model={model} trans={testContext().trans} />
    );
    document.body.append(drawing.node);
  });
  const text = drawing.node.textContent ?? '';
  act(() => drawing.dispose());
  model.dispose();
  return text;
}

describe('FindingsView', () => {
  it('does not say that nothing was found where something cannot be told yet', () => {
    expect(shown({})).toContain('Nothing was found in 1 token.');
    const unsure = shown({
      tokens: 12,
      undecided: [
        {
          kind: 'dead-expert',
          layer: 3,
          experts: [5],
          value: 0,
          threshold: 0.01,
          reason: 'cannot tell yet: 12 tokens, about 300 are needed'
        }
      ]
    });
    expect(unsure).toContain('Nothing is certain with 12 tokens.');
    expect(unsure).not.toContain('Nothing was found');
    expect(unsure).toContain('about 300 are needed');
  });

  it('says of a trace file without a hash that it is unverified', () => {
    expect(shown({ integrity: 'unverified' })).toMatch(
      /^Unverified: the trace file, or one that it was made of, has no hash of its content/
    );
    for (const found of [{}, { integrity: 'hashed' }]) {
      expect(shown(found)).not.toMatch(/unverified/i);
    }
    expect(() => shown({ integrity: 'yes' })).toThrow(/found\.integrity/);
  });

  it('lists what was not looked at, and why', () => {
    const check = {
      kind: 'low-confidence',
      count: 0,
      undecided: 0,
      threshold: 0.5,
      certainty: '95 %'
    };
    const text = shown({
      checks: [
        {
          ...check,
          looked: false,
          why: "the router's logits were not recorded"
        },
        { ...check, kind: 'dead-expert', looked: true }
      ]
    });
    expect(text).toContain('1 kind of finding was not looked at, or in part');
    expect(text).toContain("the router's logits were not recorded");
    expect(text).not.toContain('Dead expert');
  });

  it('shows a token that only its place is known of', () => {
    const finding = {
      kind: 'non-finite',
      severity: 'error',
      layer: 0,
      experts: [],
      metric: 'nonFiniteTokens',
      formula: 'f',
      value: 1,
      threshold: 0,
      message: 'm',
      suggestions: [],
      evidence: { tokens: [{ sample: 's', position: 7, id: -1 }] }
    };
    expect(shown({ findings: [finding] })).toContain('1 error');
  });
});
