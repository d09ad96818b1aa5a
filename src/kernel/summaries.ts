import {
  ProtocolError,
  type Coverage,
  type ModelSummary,
  type TraceSummary
} from 'moe-debugger/protocol';

/** Longer lists are cut. */
const MAX_ENTRIES = 500;
const LONGEST_TEXT = 200;

/** Reads the kernel's list of models. @throws ProtocolError when it is not one. */
export function readModels(value: unknown): ModelSummary[] {
  return entries(value, 'models').map(source => ({
    id: text(source.id),
    name: text(source.name),
    path: text(source.path),
    layers: Array.isArray(source.layers)
      ? source.layers.slice(0, MAX_ENTRIES).map(text)
      : [],
    experts: count(source.experts),
    topK: count(source.topK),
    status: STATUSES.find(status => status === source.status) ?? 'ready'
  }));
}

/** Reads the kernel's list of traces. @throws ProtocolError when it is not one. */
export function readTraces(value: unknown): TraceSummary[] {
  return entries(value, 'traces').map(source => ({
    id: text(source.id),
    modelId: text(source.modelId),
    model: text(source.model),
    label: text(source.label),
    samples: count(source.samples),
    coverage: coverage(source.coverage),
    created: count(source.created),
    ...(source.edits === undefined ? {} : { edits: count(source.edits) }),
    ...(source.running === true ? { running: true as const } : {})
  }));
}

const STATUSES: readonly ModelSummary['status'][] = [
  'loading',
  'ready',
  'running',
  'disposed'
];

function coverage(value: unknown): Coverage {
  const source = (value ?? {}) as Record<string, unknown>;
  return {
    moeLayers: count(source.moeLayers),
    layersCaptured: count(source.layersCaptured),
    tokens: count(source.tokens),
    ...(source.tokensRun === undefined
      ? {}
      : { tokensRun: count(source.tokensRun) }),
    slots: count(source.slots)
  };
}

function entries(value: unknown, name: string): Record<string, unknown>[] {
  if (!Array.isArray(value)) {
    throw new ProtocolError(`the kernel's list of ${name} is not a list`);
  }
  return value
    .slice(0, MAX_ENTRIES)
    .filter(entry => typeof entry === 'object' && entry !== null);
}

function text(value: unknown): string {
  return String(value ?? '').slice(0, LONGEST_TEXT);
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value
    : 0;
}
