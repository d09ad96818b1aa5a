/** A diagnosis as a cell displays it, and as a page reads it. */
import { anything, samplesOf, type Rule } from '../../../test/made-samples';
import { MIMEBUNDLE, type JsonObject } from '../../base/kernel-api';
import {
  decodeToolDocument,
  findingsState,
  isToolDocument,
  MIME_TYPE,
  ProtocolError,
  readFindingsState,
  type FindingsState
} from '../../base/protocol';
import { diagnose } from './diagnose';

const without5: Rule = ({ id, position }) => {
  const rest = [0, 1, 2, 3, 4, 6, 7];
  return [rest[(id + position) % 7], rest[(id + position + 1 + (id % 5)) % 7]];
};
const dead = () =>
  diagnose({
    samples: samplesOf(without5, { text: id => (id === 3 ? '<b>' : 'x') }),
    model: 'm'
  });

/** State after a round trip through a notebook. */
const sent = (state: FindingsState): FindingsState =>
  JSON.parse(JSON.stringify(state)) as FindingsState;

describe('a diagnosis', () => {
  it('shows its findings in a cell, and stays plain JSON', async () => {
    const diagnosis = dead();
    const bundle = JSON.parse(
      JSON.stringify(await diagnosis[MIMEBUNDLE]())
    ) as JsonObject;
    expect(isToolDocument(bundle[MIME_TYPE])).toBe(true);
    const { view, model, state } = decodeToolDocument(bundle[MIME_TYPE]);
    expect([view, model]).toEqual(['findings', 'm']);
    const { found, omitted } = readFindingsState(state);
    expect(omitted).toBe(0);
    expect(found.findings).toEqual(
      (JSON.parse(JSON.stringify(diagnosis)) as typeof diagnosis).findings
    );
    expect(found.findings[0]).toMatchObject({
      kind: 'dead-expert',
      experts: [5],
      evidence: { selections: 0 }
    });
    expect(bundle['text/plain']).toContain('dead-expert');
    // For front ends without our extension.
    expect(bundle['text/html']).toContain(
      '<td>error</td><td>layer 3</td><td>5</td><td>dead-expert</td>'
    );
    expect(String(diagnosis)).toBe(bundle['text/plain']);
    expect(Object.keys(diagnosis)).not.toContain('toString');
    expect(JSON.stringify(Object.entries(diagnosis))).not.toContain(MIME_TYPE);
  });

  it('lists inconclusive findings', () => {
    const few = diagnose({ samples: samplesOf(without5, { samples: 4 }) });
    const { found } = readFindingsState(sent(findingsState(few)));
    expect(found.findings).toEqual([]);
    expect(found.undecided).toMatchObject([
      { kind: 'dead-expert', experts: [5] }
    ]);
  });

  it('lists a limited number of findings, errors first, and counts the rest', () => {
    const diagnosis = dead();
    const [error] = diagnosis.findings;
    const state = findingsState({
      ...diagnosis,
      findings: [error, ...Array(700).fill({ ...error, severity: 'info' })]
    });
    const { found, omitted } = readFindingsState(sent(state));
    expect(found.findings.length + omitted).toBe(701);
    expect(found.findings[0].severity).toBe('error');
    expect(omitted).toBeGreaterThan(0);
  });
});

describe('findings as untrusted input', () => {
  /** A valid state with one value changed. */
  const changed = (path: string, value: unknown): FindingsState => {
    const state = sent(findingsState(dead()));
    const keys = path.split('.');
    const last = keys.pop()!;
    const parent = keys.reduce<Record<string, unknown>>(
      (own, key) => own[key] as Record<string, unknown>,
      { ...state }
    );
    parent[last] = value;
    return state;
  };
  const first = 'found.findings.0';
  const deep = (): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < 5000; i++) {
      value = [value];
    }
    return value;
  };

  it.each<[string, string, unknown]>([
    ['coverage', 'found.coverage', null],
    ['severity', `${first}.severity`, 'fatal'],
    ['experts', `${first}.experts`, ['<b>']],
    ['value', `${first}.value`, 'many'],
    ['message', `${first}.message`, { html: 'x' }],
    ['layer', `${first}.layer`, -1],
    ['action', `${first}.suggestions.0.action`, 'x'],
    ['tokens', `${first}.evidence.tokens`, [{}]],
    ['evidence', `${first}.evidence`, []],
    ['findings', 'found.findings', Array(100_000).fill({})],
    ['evidence', `${first}.evidence.x`, Array(1_000_000).fill(1)],
    ['evidence', `${first}.evidence.x`, deep()]
  ])('are rejected for an invalid %s', (field, path, value) => {
    const state = changed(path, value);
    expect(() => readFindingsState(state)).toThrow(ProtocolError);
    expect(() => readFindingsState(state)).toThrow(field);
  });

  it('are truncated where too long, and may be of an unknown kind', () => {
    const long = 'x'.repeat(1 << 20);
    for (const path of ['message', 'evidence.note', 'suggestions.0.text']) {
      const { found } = readFindingsState(changed(`${first}.${path}`, long));
      expect(JSON.stringify(found.findings[0]).length).toBeLessThan(10_000);
    }
    const { found } = readFindingsState(changed(`${first}.kind`, 'new'));
    expect(found.findings[0].kind).toBe('new');
  });

  it('of a balanced router are empty', () => {
    const even = diagnose({ samples: samplesOf(anything) });
    expect(readFindingsState(sent(findingsState(even))).found).toMatchObject({
      findings: [],
      tokens: 1000
    });
  });
});
