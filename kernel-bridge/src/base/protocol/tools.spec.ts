/** Validates documents and states of tools as untrusted input. */
import {
  changedTokens,
  decodeToolDocument,
  isToolDocument,
  ProtocolError,
  PROTOCOL_VERSION,
  readAttributionState,
  readCircuitState,
  readExpertsState,
  readLensState,
  readSteeringState,
  readSweepState,
  toolDocument
} from '.';
import {
  attribution,
  circuit,
  experts,
  lens,
  steering,
  sweep
} from '../../../test/tool-states';

const READERS: [string, object, (value: unknown) => object][] = [
  ['experts', experts, readExpertsState],
  ['steering', steering, readSteeringState],
  ['lens', lens, readLensState],
  ['attribution', attribution, readAttributionState],
  ['circuit', circuit, readCircuitState],
  ['sweep', sweep, readSweepState]
];

describe.each(READERS)('the state of %s', (_, state, read) => {
  it('round-trips', () => {
    expect(read(JSON.parse(JSON.stringify(state)))).toEqual(state);
  });

  it('drops unknown fields', () => {
    expect(read({ ...state, html: '<script>' })).toEqual(state);
  });

  it('yields a state or an error that is safe to display, whatever value is replaced', () => {
    for (const wrong of [
      undefined,
      Number.NaN,
      'text',
      -1,
      {},
      [[]],
      [null],
      1e12
    ]) {
      for (const change of changes(state, wrong)) {
        try {
          read(change.state);
        } catch (error) {
          // Some replacements are valid in some fields.
          expect([change.path, error]).toEqual([
            change.path,
            expect.any(ProtocolError)
          ]);
        }
      }
    }
  });
});

/** The state with one of its values replaced, for each value. */
function* changes(
  state: unknown,
  value: unknown,
  path = ''
): Generator<{ state: unknown; path: string }> {
  yield { state: value, path };
  if (typeof state === 'object' && state !== null) {
    for (const key of Object.keys(state)) {
      const own = (state as Record<string, unknown>)[key];
      for (const inner of changes(own, value, `${path}.${key}`)) {
        const copy: Record<string, unknown> | unknown[] = Array.isArray(state)
          ? ([...state] as unknown[])
          : { ...state };
        (copy as Record<string, unknown>)[key] = inner.state;
        yield { state: copy, path: inner.path };
      }
    }
  }
}

describe('inconsistent states', () => {
  const refuse = (change: object, reason: RegExp): void =>
    expect(() => readExpertsState({ ...experts, ...change })).toThrow(reason);

  it('are rejected', () => {
    refuse({ rows: [] }, /cannot be shown/);
    refuse({ rows: [{ layer: 0, experts: 1 << 20, topK: 1 }] }, /cannot be/);
    refuse({ topK: [null] }, /topK has 1 entries for 2 rows/);
    refuse({ edits: [{ row: 2, expert: 0, kind: 'mask' }] }, /edits\[0\].row/);
    refuse({ edits: [{ row: 0, expert: 2, kind: 'mask' }] }, /expert/);
    refuse({ traced: [[0, 1]] }, /traced does not fit/);
    refuse({ refusal: { text: 'x', row: 9 } }, /refusal.row/);
    expect(() =>
      readSweepState({
        ...sweep,
        sweep: { ...sweep.sweep, routers: [{ layer: 4, experts: 2 }] }
      })
    ).toThrow(/not listed/);
    expect(() =>
      readLensState({ ...lens, lens: { ...lens.lens, positions: [0, 1] } })
    ).toThrow(/does not fit the positions/);
  });
});

describe('a tool document', () => {
  it('is distinguished from a routing view', () => {
    const document = toolDocument('experts', 'demo', experts, 'w');
    expect(isToolDocument(document)).toBe(true);
    expect(isToolDocument({ ...document, view: 'explorer' })).toBe(false);
    expect(isToolDocument(null)).toBe(false);
    expect(decodeToolDocument(document)).toEqual(document);
  });

  it('asks for an update when it is newer', () => {
    const document = toolDocument('experts', 'demo', experts);
    expect(() =>
      decodeToolDocument({ ...document, version: PROTOCOL_VERSION + 1 })
    ).toThrow(/update the extension/);
  });
});

describe('changedTokens', () => {
  it('compares tokens at the same index', () => {
    const ids = (...all: number[]): { id: number }[] => all.map(id => ({ id }));
    expect(changedTokens(ids(1, 2, 3), ids(1, 4, 3, 5))).toEqual([
      false,
      true,
      false,
      true
    ]);
  });
});
