/**
 * Models with recorded truth: the demo model, the small ones of `fixtures/zoo`, which `tests/zoo` makes, and the larger
 * zoo that MOE_DEBUGGER_ZOO names.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readSafetensors } from './safetensors';

export const REPOSITORY = resolve(__dirname, '../..');
export const DEMO = join(REPOSITORY, 'models/demo');
/** Trained on repeated sequences; its heads were recorded. */
export const INDUCTION = join(REPOSITORY, 'models/induction');

/** Why a test that needs a model of the larger zoo is skipped. */
export const NO_ZOO =
  'skipped, since MOE_DEBUGGER_ZOO does not name a folder that has the model';

/** The small models, which every clone has, and those of the larger zoo, where there is one. */
export function zooModels(): string[] {
  return [...smallModels(), ...largerZoo()];
}

/** One for each routing convention: of random weights, with recorded routing, edits and, of some, gradients. */
export function smallModels(): string[] {
  return modelsIn(join(__dirname, 'fixtures/zoo'));
}

/** Folders of the larger zoo that hold a model and its truth; empty if MOE_DEBUGGER_ZOO is not set. */
export function largerZoo(): string[] {
  const zoo = zooFolder();
  return zoo === undefined ? [] : modelsIn(zoo);
}

/** The folder of a model of the larger zoo; undefined if it is not there. */
export function zooModel(name: string): string | undefined {
  return largerZoo().find(folder => basename(folder) === name);
}

function modelsIn(folder: string): string[] {
  return readdirSync(folder)
    .map(name => join(folder, name))
    .filter(model => existsSync(join(model, 'truth.safetensors')))
    .sort();
}

/** @throws if MOE_DEBUGGER_ZOO names no folder: a wrong name must not pass as "there is no zoo" */
function zooFolder(): string | undefined {
  const named = process.env.MOE_DEBUGGER_ZOO;
  if (!named) {
    return undefined;
  }
  if (!existsSync(named)) {
    throw new Error(`MOE_DEBUGGER_ZOO names ${named}, which does not exist`);
  }
  const models = join(named, 'models');
  return existsSync(models) ? models : named;
}

/** Tests of one model of the larger zoo; counted as skipped where it is not there. */
export function withZoo(
  name: string,
  title: string,
  define: (folder: string) => void
): void {
  const folder = zooModel(name);
  if (folder === undefined) {
    it.skip(`${title} (${name}): ${NO_ZOO}`, () => undefined);
  } else {
    describe(title, () => define(folder));
  }
}

/** The title of a test, with the reason where it is skipped. */
export function titled(title: string, runs: boolean, reason: string): string {
  return runs ? title : `${title}: ${reason}`;
}

/** One test with models of the larger zoo; counted as skipped where they are not there. */
export function itWithZoo(
  present: boolean,
  title: string,
  test: () => void
): void {
  (present ? it : it.skip)(titled(title, present, NO_ZOO), test);
}

/** Counts one test as skipped if there are none of these models of the larger zoo. */
export function skipWithout(folders: readonly unknown[], title: string): void {
  if (folders.length === 0) {
    it.skip(`${title}: ${NO_ZOO}`, () => undefined);
  }
}

/** Tests of each model; counted as skipped where there are none, which jest's own tables refuse. */
export function describeEach(
  folders: readonly string[],
  title: string,
  define: (model: { name: string; folder: string }) => void
): void {
  skipWithout(folders, title);
  for (const folder of folders) {
    const name = basename(folder);
    describe(title.replace('$name', name), () => define({ name, folder }));
  }
}

export interface TruthLayer {
  /** Name of the router's module in the original program: it holds the block's number. */
  module: string;
  experts: number;
  k: number;
}

/** What hooks on the original PyTorch modules recorded. Arrays are row-major. */
export interface Truth {
  name: string;
  architecture: string;
  exporter: string;
  layers: TruthLayer[];
  prompts: TruthPrompt[];
}

export interface TruthPrompt {
  text: string;
  /** The first tokens of the text, in models that have a tokenizer. */
  ids: number[];
  /** What the model is given: a decoder beside an encoder read the same ids, shifted right. */
  prompt: { inputIds: number[]; decoderInputIds?: number[] };
  /** [tokens, vocabulary] */
  logits: Float32Array;
  routers: {
    /** [tokens, experts] */
    logits: Float32Array;
    /** [tokens, k] */
    selected: Int32Array;
    /** [tokens, k] */
    weights: Float32Array;
  }[];
}

interface TruthJson {
  name: string;
  architecture: string;
  moe_layers: TruthLayer[];
  prompts: { text: string }[];
  export: { style: string };
}

export function readTruth(folder: string): Truth {
  const json = parseWithNaN(
    readFileSync(join(folder, 'truth.json'), 'utf8')
  ) as TruthJson;
  const tensors = readSafetensors(join(folder, 'truth.safetensors'));
  const floats = (name: string): Float32Array =>
    tensors.get(name)!.data as Float32Array;
  const ints = (name: string): Int32Array =>
    tensors.get(name)!.data as Int32Array;
  return {
    name: json.name,
    architecture: json.architecture.split(',')[0],
    exporter: json.export.style,
    layers: json.moe_layers,
    prompts: json.prompts.map(({ text }, i) => ({
      text,
      ids: [...ints(`p${i}/ids`)],
      prompt: promptOf([...ints(`p${i}/ids`)], json.moe_layers),
      logits: floats(`p${i}/logits`),
      routers: json.moe_layers.map((__, j) => ({
        logits: floats(`p${i}/l${j}/router_logits`),
        selected: ints(`p${i}/l${j}/experts`),
        weights: floats(`p${i}/l${j}/weights`)
      }))
    }))
  };
}

function promptOf(
  ids: number[],
  layers: readonly TruthLayer[]
): TruthPrompt['prompt'] {
  return layers.some(({ module }) => module.startsWith('encoder'))
    ? { inputIds: ids, decoderInputIds: [0, ...ids.slice(0, -1)] }
    : { inputIds: ids };
}

/** Python writes NaN and Infinity as bare words, which JSON does not have. */
function parseWithNaN(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, token =>
      token.startsWith('"') ? token : 'null'
    )
  );
}
