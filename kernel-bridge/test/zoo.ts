/** Models with recorded truth: those of the repository, and the zoo beside the repository where it is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readSafetensors } from './safetensors';

export const REPOSITORY = resolve(__dirname, '../..');
export const DEMO = join(REPOSITORY, 'models/demo');
/** Trained on repeated sequences; its heads were recorded. */
export const INDUCTION = join(REPOSITORY, 'models/induction');
export const ZOO = resolve(REPOSITORY, '../shared/zoo/models');

/** Folders of the zoo that hold a model and its truth; empty where there is no zoo. */
export function zooModels(): string[] {
  return existsSync(ZOO)
    ? readdirSync(ZOO)
        .map(name => join(ZOO, name))
        .filter(folder => existsSync(join(folder, 'truth.safetensors')))
        .sort()
    : [];
}

/** Tests of each model; none where there are none, which jest's own tables refuse. */
export function describeEach(
  folders: readonly string[],
  title: string,
  define: (model: { name: string; folder: string }) => void
): void {
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
  ids: number[];
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
  prompts: unknown[];
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
    prompts: json.prompts.map((_, i) => ({
      ids: [...ints(`p${i}/ids`)],
      logits: floats(`p${i}/logits`),
      routers: json.moe_layers.map((__, j) => ({
        logits: floats(`p${i}/l${j}/router_logits`),
        selected: ints(`p${i}/l${j}/experts`),
        weights: floats(`p${i}/l${j}/weights`)
      }))
    }))
  };
}

/** Python writes NaN and Infinity as bare words, which JSON does not have. */
function parseWithNaN(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, token =>
      token.startsWith('"') ? token : 'null'
    )
  );
}
