import {
  attribution,
  findings,
  lens,
  sweep,
  view
} from '../../../test/protocol-documents';
import {
  NOTHING_KNOWN,
  PROTOCOL_VERSION,
  ProtocolError,
  decodeSample,
  decodeToolDocument,
  decodeView,
  encodeSample,
  findingsState,
  knownInAny,
  knownOf,
  layerName,
  readAttributionState,
  readFindingsState,
  readLensState,
  readSweepState,
  tokensOf,
  type RoutingSample
} from '.';

const [encoded] = view.samples;
const sample = (): RoutingSample => decodeSample(encoded);

describe('decodeView', () => {
  it.each([
    ['this output is not a MoE Debugger view', null],
    ['this output is not a MoE Debugger view', 'x'],
    ['this output is not a MoE Debugger view', { ...view, version: '1' }],
    ['update the extension', { ...view, version: PROTOCOL_VERSION + 1 }],
    ['run the cell again', { ...view, version: PROTOCOL_VERSION - 1 }],
    ['unknown view "pie"', { ...view, view: 'pie' }],
    [`unknown view "${'x'.repeat(39)}`, { ...view, view: 'x'.repeat(100) }],
    ['this output contains no routing', { ...view, samples: [] }],
    ['this output contains no routing', { ...view, samples: {} }],
    [
      'this output contains no layers',
      { ...view, samples: [encoded, { ...encoded, layers: [] }] }
    ],
    [
      'coverage.slots is not a count',
      { ...view, coverage: { moeLayers: 1, layersCaptured: 1, tokens: 1 } }
    ]
  ])('says "%s"', (message, value) => {
    expect(() => decodeView(value)).toThrow(ProtocolError);
    expect(() => decodeView(value)).toThrow(message);
  });

  it('reads a comparison', () => {
    expect(decodeView({ ...view, view: 'comparison' }).view).toBe('comparison');
  });

  it('has something to show in the place of a state that does not fit', () => {
    const stateOf = (state: unknown) => decodeView({ ...view, state }).state;
    expect(stateOf({ layerIndex: 1, measure: 'probability' })).toEqual({
      layerIndex: 1,
      measure: 'probability'
    });
    const first = { layerIndex: 0, measure: 'weight' };
    for (const layerIndex of [2, -1, 0.5, '1', undefined]) {
      expect(stateOf({ layerIndex, measure: 'weight' })).toEqual(first);
    }
    expect(stateOf(undefined)).toEqual(first);
    expect(stateOf({ layerIndex: 0, measure: 'x' })).toEqual(first);
    const { model, widget, truncated } = decodeView({
      ...view,
      model: 7,
      widget: 7,
      truncated: 7
    });
    expect([model, widget, truncated]).toEqual(['', undefined, undefined]);
  });
});

describe('samples', () => {
  it('are the same after encoding, with and without what may be left out', () => {
    const own = sample();
    expect(own.layers[1].selected).toEqual(Int32Array.of(0, 1, 0, -1));
    expect(decodeSample(encodeSample(own))).toEqual(own);
    expect(decodeSample(encodeSample(own, { binary: true }))).toEqual(own);
    const bare = encodeSample(own, { withoutLogits: true });
    expect(bare.layers.map(layer => 'logits' in layer)).toEqual([false, false]);
    expect(decodeSample(bare).layers[0].logits).toHaveLength(0);
    const unweighted = {
      ...own,
      layers: own.layers.map(layer => ({
        ...layer,
        weights: new Float32Array(0)
      }))
    };
    expect('weights' in encodeSample(unweighted).layers[0]).toBe(false);
    expect(decodeSample(encodeSample(unweighted))).toEqual(unweighted);
  });

  it('have as many rows in a layer as its stack has tokens', () => {
    const own = sample();
    expect(own.layers.map(layer => tokensOf(own, layer).length)).toEqual([
      1, 2
    ]);
    expect(
      tokensOf({ ...own, encoderTokens: undefined }, own.layers[0])
    ).toEqual([]);
    const [first, second] = encoded.layers;
    expect(() =>
      decodeSample({ ...encoded, layers: [{ ...first, stack: 'decoder' }] })
    ).toThrow('layers[0].logits has shape [1,3], expected [2,3]');
    expect(() =>
      decodeSample({ ...encoded, layers: [first, { ...second, topK: 1 }] })
    ).toThrow('layers[1].selected has shape [2,2], expected [2,1]');
  });

  it.each([
    [2, 'layers[0].selected names expert 2 of 2'],
    [-2, 'layers[0].selected names expert -2 of 2']
  ])('name no expert %d', (expert, message) => {
    const own = sample();
    own.layers = [own.layers[1]];
    own.layers[0].selected[3] = expert;
    expect(() => decodeSample(encodeSample(own))).toThrow(message);
  });

  it('may have tokens whose id is not known', () => {
    const tokens = encoded.tokens.map(token => ({ ...token, id: -1 }));
    expect(decodeSample({ ...encoded, tokens }).tokens[0].id).toBe(-1);
  });

  it('say what of them is known', () => {
    const own = sample();
    const all = {
      weights: true,
      logits: true,
      tokenIds: true,
      texts: true,
      domains: true
    };
    expect(knownOf(own)).toEqual(all);
    const nothing: RoutingSample = {
      id: 's',
      tokens: [{ position: 0, id: -1 }],
      layers: own.layers.map(layer => ({
        ...layer,
        logits: new Float32Array(0),
        weights: new Float32Array(0)
      }))
    };
    expect(knownOf(nothing)).toEqual(NOTHING_KNOWN);
    expect(
      knownOf({ ...nothing, encoderTokens: [{ position: 0, id: 3 }] })
    ).toEqual({ ...NOTHING_KNOWN, tokenIds: true });
    expect(
      knownOf({
        ...nothing,
        encoderTokens: [{ position: 0, id: -1, text: '' }]
      })
    ).toEqual({ ...NOTHING_KNOWN, texts: true });
    expect(
      knownOf({ ...nothing, layers: [nothing.layers[0], own.layers[0]] })
    ).toEqual({ ...NOTHING_KNOWN, weights: true, logits: true });
    expect(
      knownInAny([
        { ...NOTHING_KNOWN, texts: true },
        { ...NOTHING_KNOWN, weights: true }
      ])
    ).toEqual({ ...NOTHING_KNOWN, texts: true, weights: true });
    expect(knownInAny([])).toEqual(NOTHING_KNOWN);
  });

  it('have layers with names', () => {
    expect(layerName({ layer: 3 })).toBe('layer 3');
    expect(layerName({ layer: 0, stack: 'encoder', module: 'mlp' })).toBe(
      'encoder layer 0 mlp'
    );
  });
});

describe('states that cannot be shown', () => {
  it.each([
    [{ layers: [] }, 'the lens has no layers or no positions'],
    [
      {
        positions: [],
        layers: [{ ...lens.lens!.layers[0], readings: [] }],
        experts: []
      },
      'the lens has no layers or no positions'
    ],
    [{ positions: [0, 1] }, 'lens.layers[0] does not fit the positions'],
    [
      { experts: [{ ...lens.lens!.experts[0], positions: [] }] },
      'lens.experts[0] does not fit the positions'
    ],
    [{ positions: [2] }, 'lens.positions[0] is not a count']
  ])('a lens of %j', (change, message) => {
    expect(() =>
      readLensState({ ...lens, lens: { ...lens.lens, ...change } })
    ).toThrow(message);
  });

  it('the last of what is shown of a lens is its last layer and position', () => {
    const read = (layer: number, position: number) =>
      readLensState({ ...lens, shown: { layer, position } }).shown;
    expect(read(0, 0)).toEqual({ layer: 0, position: 0 });
    expect(() => read(1, 0)).toThrow('shown.layer is not a count');
    expect(() => read(0, 1)).toThrow('shown.position is not a count');
    const { shown } = readLensState({ ...lens, lens: null });
    expect(shown).toBeUndefined();
  });

  it.each([
    [{ routers: [] }, '0 layers with 0 experts cannot be shown: 1 to 32768'],
    [
      { routers: [{ layer: 0, experts: 32769 }], rows: [] },
      '1 layers with 32769 experts cannot be shown'
    ]
  ])('a sweep of %j', (change, message) => {
    expect(() =>
      readSweepState({ ...sweep, sweep: { ...sweep.sweep, ...change } })
    ).toThrow(message);
  });

  it('a sweep of as many experts as can be shown', () => {
    const routers = [{ layer: 0, experts: 32768 }];
    const read = readSweepState({
      ...sweep,
      sweep: { ...sweep.sweep, routers, rows: [] }
    });
    expect(read.sweep!.routers).toEqual(routers);
  });

  it('a divergence that is not known is none', () => {
    const [row] = sweep.sweep!.rows;
    const { sweep: read } = readSweepState({
      ...sweep,
      sweep: {
        ...sweep.sweep,
        rows: [{ ...row, tokens: [{ ...row.tokens[0], kl: null }] }]
      }
    });
    expect(read!.rows[0].tokens[0].kl).toBe(0);
  });
});

describe('attributions', () => {
  const read = (change: object) =>
    readAttributionState({
      ...attribution,
      attribution: { ...attribution.attribution, ...change }
    }).attribution;

  it.each(['zero', 'mean', { token: 7 }, { prompt: 'x' }, { prompt: [1, 2] }])(
    'from the baseline %j',
    baseline => {
      expect(read({ baseline })!.baseline).toEqual(baseline);
    }
  );

  it.each([
    ['attribution.baseline is not one of zero, mean', 'one'],
    ['attribution.baseline is not an object', 7],
    ['attribution.baseline.token is not a count', { token: -1 }],
    ['attribution.baseline.token is not text', { token: {} }],
    ['attribution.baseline.prompt[1] is not a count', { prompt: [1, 'x'] }],
    ['attribution.baseline.prompt is not text', {}]
  ])('say "%s"', (message, baseline) => {
    expect(() => read({ baseline })).toThrow(message);
  });

  it('have a token at least, and a router as a target', () => {
    expect(() => read({ tokens: [] })).toThrow('attribution.tokens is empty');
    const target = { kind: 'router', position: 0, layer: 1, expert: 2 };
    expect(read({ target })!.target).toEqual(target);
    expect(() => read({ target: { ...target, expert: 'x' } })).toThrow(
      'attribution.target.expert is not a count'
    );
  });

  it('are cut where they are long', () => {
    const long = 'x'.repeat(5000);
    const found = read({
      baseline: { token: long },
      warnings: [long],
      tokens: [{ position: 0, id: 1, text: long, attribution: 1 }]
    })!;
    expect([
      (found.baseline as { token: string }).token.length,
      found.warnings[0].length,
      found.tokens[0].text!.length
    ]).toEqual([400, 1000, 400]);
  });
});

describe('findings', () => {
  const { found } = findings;
  const [finding] = found.findings;

  it('of older kernels have no list of checks', () => {
    const older: Partial<typeof found> = { ...found };
    delete older.checks;
    expect(
      readFindingsState({ ...findings, found: older }).found.checks
    ).toEqual([]);
  });

  it('are shown up to a number, and the others counted', () => {
    const many = Array.from({ length: 502 }, () => finding);
    const state = findingsState({ ...found, findings: many });
    expect([state.found.findings.length, state.omitted]).toEqual([500, 2]);
    expect(findingsState(found)).toEqual({ ...findings, omitted: 0 });
    const unnamed = { ...found };
    delete unnamed.model;
    expect('model' in findingsState(unnamed).found).toBe(false);
  });

  const evidence = (value: unknown) =>
    readFindingsState({
      ...findings,
      found: {
        ...found,
        findings: [{ ...finding, evidence: { value } }]
      }
    }).found.findings[0].evidence.value;

  it('have evidence of any form, and of limited size', () => {
    const value = { a: [1, null, true, 'x'], b: { c: -0.5 } };
    expect(evidence(value)).toEqual(value);
    expect(evidence('x'.repeat(5000))).toBe('x'.repeat(600));
    expect(evidence({ ['k'.repeat(5000)]: 1 })).toEqual({
      ['k'.repeat(600)]: 1
    });
    expect(evidence(() => 1)).toBeNull();
    expect(evidence([[[[[1]]]]])).toEqual([[[[[1]]]]]);
    expect(() => evidence([[[[[[1]]]]]])).toThrow(
      'holds more than can be shown'
    );
    expect(() => evidence(Array(8192).fill(0))).toThrow(
      'found.findings[0].evidence holds more than can be shown'
    );
    // The evidence, its value and each entry count.
    expect(evidence(Array(8190).fill(0))).toHaveLength(8190);
  });

  it('may name tokens whose id is not known', () => {
    const tokens = [{ sample: 's', position: 0, id: -1 }];
    const state = readFindingsState({
      ...findings,
      found: { ...found, findings: [{ ...finding, evidence: { tokens } }] }
    });
    expect(state.found.findings[0].evidence).toEqual({ tokens });
  });
});

describe('decodeToolDocument', () => {
  const document = { version: PROTOCOL_VERSION, view: 'lens', state: {} };

  it.each([
    null,
    'x',
    { ...document, version: 'x' },
    { ...document, view: 'explorer' }
  ])('refuses %j', value => {
    expect(() => decodeToolDocument(value)).toThrow(
      'this output is not a view of the MoE Debugger'
    );
  });

  it('reads a document without a name, and cuts a long one', () => {
    expect(decodeToolDocument(document)).toEqual({ ...document, model: '' });
    expect(
      decodeToolDocument({ ...document, model: 'x'.repeat(999), widget: 7 })
    ).toEqual({ ...document, model: 'x'.repeat(200) });
  });
});
