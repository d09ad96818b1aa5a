/**
 * Edits do to exported models what they did to the originals in PyTorch, and leave alone what they do not touch. Models
 * without recorded edits take those of a model with the same weights in another form, where there is one.
 */
import { basename } from 'node:path';
import type { MoEDebuggerError } from '../src';
import {
  inspectModel,
  loadModel,
  type Edits,
  type MoELayerCard,
  type MoEModel,
  type PromptObject,
  type RoutingTrace
} from '../src';
import {
  asEdits,
  editedTwin,
  largestDifference,
  readEditTruth
} from './edit-truth';
import { editSlots } from './edit-slots';
import { editsPage, type EditReport } from './edits-page';
import { expectPage } from './page';
import {
  DEMO,
  describeEach,
  largerZoo,
  itWithZoo,
  readTruth,
  titled,
  zooModels
} from './zoo';

/** Described, and refused when run: there is no CPU kernel for it. */
const NOT_RUNNABLE = 'mixtral-hf-ort-cuda';
const zoo = zooModels().filter(
  folder => !['demo', NOT_RUNNABLE].includes(basename(folder))
);
/** At which onnxruntime may rewrite a graph as it likes, and not at all. */
const LEVELS = ['all', 'disabled'] as const;
const reports = new Map<string, EditReport>();

describe.each(
  [DEMO, ...zoo].map(folder => ({ name: basename(folder), folder }))
)('$name', ({ name, folder }) => {
  const report: EditReport = {
    name,
    tests: 0,
    differences: {},
    refused: new Set()
  };
  const truth = readEditTruth(folder).length > 0 ? folder : editedTwin(folder);
  const lastSlots = editSlots(folder).at(-1)!;
  let model: MoEModel;
  let prompt: PromptObject;
  let plain: RoutingTrace;

  beforeAll(async () => {
    model = await loadModel(folder);
    [{ prompt }] = readTruth(folder).prompts;
    plain = await model.trace(prompt, { logits: 'all' });
    reports.set(name, report);
  });

  beforeEach(() => {
    report.tests++;
  });
  afterAll(() => model.dispose());

  const routers = (): MoELayerCard[] =>
    model.layers.filter(layer => layer.moe === true);
  const place = ({
    layer,
    stack,
    module
  }: MoELayerCard): Pick<MoELayerCard, 'layer' | 'stack' | 'module'> => ({
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  });
  const logitsOf = (trace: RoutingTrace): Float32Array =>
    [...trace.outputLogits.values()][0].data;

  /** Undefined, and noted, where the graph does not take the edit. */
  async function run(
    edits: Edits,
    on = model
  ): Promise<RoutingTrace | undefined> {
    try {
      return await on.with(edits).trace(prompt, { logits: 'all' });
    } catch (error) {
      const { code, message } = error as MoEDebuggerError;
      if (code !== 'edit' || !/does not support/.test(message)) {
        throw error;
      }
      report.refused.add(/support (.*) there/.exec(message)![1]);
      return undefined;
    }
  }

  it('changes nothing, bit for bit, by an empty edit', async () => {
    const same = await model.with({}).trace(prompt, { logits: 'all' });
    expect(bits(logitsOf(same))).toEqual(bits(logitsOf(plain)));
    same.samples[0].layers.forEach((layer, i) => {
      const own = plain.samples[0].layers[i];
      expect(bits(layer.weights)).toEqual(bits(own.weights));
      expect(layer.selected).toEqual(own.selected);
    });
  });

  (truth ? it : it.skip).each(LEVELS)(
    titled(
      'computes what PyTorch did with the same edit (graph optimisation: %s)',
      truth !== undefined,
      'no edits of its weights were recorded'
    ),
    async graphOptimization => {
      let compared = 0;
      report.truth = basename(truth!);
      const own =
        graphOptimization === 'all'
          ? model
          : await loadModel(folder, { graphOptimization });
      for (const edit of readEditTruth(truth!)) {
        const edited = await run(
          asEdits(edit, place(routers()[edit.router])),
          own
        );
        if (edited) {
          compared++;
          const difference = largestDifference(logitsOf(edited), edit.logits);
          expect(difference).toBeLessThanOrEqual(1e-3);
          report.differences[edit.kind] = Math.max(
            difference,
            report.differences[edit.kind] ?? 0
          );
          if (edit.kind === 'mask' || edit.kind === 'topK') {
            const layer = edited.samples[0].layers[edit.router];
            expect(sortedRows(layer.selected, layer.topK)).toEqual(
              sortedRows(edit.experts, layer.topK)
            );
            expect(
              largestDifference(
                sortedRows(layer.weights, layer.topK),
                sortedRows(edit.weights, layer.topK)
              )
            ).toBeLessThanOrEqual(1e-4);
          }
        }
      }
      if (own !== model) {
        await own.dispose();
      }
      expect(compared).toBeGreaterThan(0);
    }
  );

  const last = { drop: lastSlots.scale, swap: lastSlots.map };
  for (const mode of ['drop', 'swap'] as const) {
    const taken = 'input' in last[mode];
    if (!taken) {
      report.refused.add(`ablate by ${mode}`);
    }
    const title = titled(
      `changes exactly the tokens that chose the expert by ${mode}`,
      taken,
      'its graph does not take the edit'
    );
    (taken ? it : it.skip)(title, async () => {
      // No token looks at another one after the last router.
      const card = routers().at(-1)!;
      const own = plain.samples[0].layers.at(-1)!;
      const [expert] = own.selected;
      const edited = await run({
        ablate: [
          {
            ...place(card),
            expert,
            mode,
            ...(mode === 'swap' ? { to: (expert + 1) % card.experts } : {})
          }
        ]
      });
      const before = logitsOf(plain);
      const after = logitsOf(edited!);
      const tokens = own.selected.length / own.topK;
      const width = before.length / tokens;
      const changed: number[] = [];
      const chose: number[] = [];
      for (let t = 0; t < tokens; t++) {
        const row = (values: Float32Array): Float32Array =>
          values.subarray(t * width, (t + 1) * width);
        if (!row(before).every(Number.isFinite)) {
          continue;
        }
        if (largestDifference(row(before), row(after)) > 1e-5) {
          changed.push(t);
        }
        // A token that was dropped over capacity has a weight of zero: nothing of it is left to drop.
        for (let slot = t * own.topK; slot < (t + 1) * own.topK; slot++) {
          if (own.selected[slot] === expert && own.weights[slot] !== 0) {
            chose.push(t);
          }
        }
      }
      expect(chose.length).toBeGreaterThan(0);
      expect(changed).toEqual(chose);
    });
  }

  it('takes no token to an expert that is masked, and every one to an expert that is forced', async () => {
    const card = routers()[0];
    const [expert] = plain.samples[0].layers[0].selected;
    const masked = await run({ ablate: [{ ...place(card), expert }] });
    await run({ topK: [{ ...place(card), k: 1 }] });
    expect(masked!.samples[0].layers[0].selected).not.toContain(expert);
    const forced = await run({ force: [{ ...place(card), expert }] });
    if (forced) {
      const { selected, weights, topK } = forced.samples[0].layers[0];
      for (let t = 0; t < selected.length; t += topK) {
        const slots = [...selected.subarray(t, t + topK)];
        expect(slots).toContain(expert);
        slots.forEach((other, slot) => {
          if (other !== expert) {
            expect(weights[t + slot]).toBe(0);
          }
        });
      }
    }
  });
});

/** The numbers of each row in order: the order of slots has no meaning. */
function sortedRows(
  values: Float32Array | Int32Array,
  width: number
): number[] {
  const rows: number[] = [];
  for (let start = 0; start < values.length; start += width) {
    rows.push(...values.slice(start, start + width).sort());
  }
  return rows;
}

function bits({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

const fused = zoo.filter(folder =>
  /MoE/.test(
    inspectModel(folder)
      .layers.map(own => (own.moe ? own.router.pattern : ''))
      .join()
  )
);

describeEach(
  fused,
  '$name with its experts in plain operators',
  ({ folder }) => {
    let model: MoEModel;
    beforeAll(async () => {
      model = await loadModel(folder);
    });
    afterAll(() => model.dispose());

    it('computes what it did', async () => {
      const { ids } = readTruth(folder).prompts[0];
      const plain = await model.trace(ids, { logits: 'all' });
      const same = await model
        .with({}, { rewriteFused: true })
        .trace(ids, { logits: 'all' });
      const logits = (trace: RoutingTrace): Float32Array =>
        [...trace.outputLogits.values()][0].data;
      expect(
        largestDifference(logits(same), logits(plain))
      ).toBeLessThanOrEqual(1e-4);
    });

    const truth = editedTwin(folder);
    const recorded = truth ? readEditTruth(truth) : [];
    (truth ? it : it.skip)(
      titled(
        'takes the edits that it refused, and does what PyTorch did',
        truth !== undefined,
        'no edits of its weights were recorded'
      ),
      async () => {
        const { ids } = readTruth(folder).prompts[0];
        const routers = model.layers.filter(own => own.moe === true);
        expect(recorded.length).toBeGreaterThan(0);
        for (const edit of recorded) {
          const { layer } = routers[edit.router];
          const trace = await model
            .with(asEdits(edit, { layer }), { rewriteFused: true })
            .trace(ids, { logits: 'all' });
          expect(
            largestDifference(
              [...trace.outputLogits.values()][0].data,
              edit.logits
            )
          ).toBeLessThanOrEqual(1e-3);
        }
      }
    );

    it('swaps an expert, which it refused', async () => {
      const { ids } = readTruth(folder).prompts[0];
      const routers = model.layers.filter(own => own.moe === true);
      const { layer, experts } = routers.at(-1) as MoELayerCard;
      const own = (await model.trace(ids)).samples[0].layers.at(-1)!;
      const [expert] = own.selected;
      const to = (expert + 1) % experts;
      const swapped = await model
        .with(
          { ablate: [{ layer, expert, mode: 'swap', to }] },
          { rewriteFused: true }
        )
        .trace(ids);
      const after = swapped.samples[0].layers.at(-1)!;
      expect([...after.selected]).toEqual(
        Array.from(own.selected, chosen => (chosen === expert ? to : chosen))
      );
    });
  }
);

itWithZoo(largerZoo().length > 0, 'docs/edits.md is up to date', () =>
  expectPage('edits.md', editsPage([...reports.values()]))
);
