/** The document of our MIME type: a view and the routing that it shows, enough to draw without a kernel. */
import { count, object, text } from './checks';
import { ProtocolError } from './error';
import {
  decodeSample,
  type Coverage,
  type EncodedSample,
  type RoutingSample
} from './routing';
import { PROTOCOL_VERSION } from './names';

const MAX_TEXT_LENGTH = 1000;

/** Value of a heatmap cell: the weight of a selected expert, or the router's probability. */
export type Measure = 'weight' | 'probability';
export type ViewName = 'explorer' | 'comparison';

export interface ViewState {
  /** Index into a sample's `layers`, not a block number: two stacks may both have a layer 0. */
  layerIndex: number;
  measure: Measure;
}

/** As stored in a notebook or sent to a panel. */
export interface EncodedView {
  version: number;
  view: ViewName;
  model: string;
  samples: EncodedSample[];
  state: ViewState;
  /** Id of the live widget model of this output, if a kernel created one. */
  widget?: string;
  /** What was captured of the model; older documents have none. */
  coverage?: Coverage;
  /** Describes what was omitted to keep the output small. */
  truncated?: string;
}

export interface View extends Omit<EncodedView, 'samples'> {
  samples: RoutingSample[];
}

/**
 * Decodes and validates an untrusted view document from a notebook.
 * @throws ProtocolError naming what is invalid, or asking for an update when the version is newer
 */
export function decodeView(value: unknown): View {
  const source = value as Partial<EncodedView> | null;
  if (
    typeof source !== 'object' ||
    source === null ||
    typeof source.version !== 'number'
  ) {
    throw new ProtocolError('this output is not a MoE Debugger view');
  }
  checkVersion(source.version);
  if (source.view !== 'explorer' && source.view !== 'comparison') {
    throw new ProtocolError(
      `unknown view ${JSON.stringify(source.view)?.slice(0, 40)}`
    );
  }
  if (!Array.isArray(source.samples) || source.samples.length === 0) {
    throw new ProtocolError('this output contains no routing');
  }
  const samples = source.samples.map(decodeSample);
  if (samples.some(sample => sample.layers.length === 0)) {
    throw new ProtocolError('this output contains no layers');
  }
  const layers = samples[0].layers.length;
  const index = source.state?.layerIndex;
  return {
    version: source.version,
    view: source.view,
    model:
      typeof source.model === 'string'
        ? text(source.model, 'model').slice(0, MAX_TEXT_LENGTH)
        : '',
    samples,
    state: {
      layerIndex:
        typeof index === 'number' &&
        Number.isInteger(index) &&
        index >= 0 &&
        index < layers
          ? index
          : 0,
      measure:
        source.state?.measure === 'probability' ? 'probability' : 'weight'
    },
    ...(typeof source.widget === 'string' ? { widget: source.widget } : {}),
    ...(source.coverage === undefined
      ? {}
      : { coverage: decodeCoverage(source.coverage) }),
    ...(typeof source.truncated === 'string'
      ? {
          truncated: text(source.truncated, 'truncated').slice(
            0,
            MAX_TEXT_LENGTH
          )
        }
      : {})
  };
}

/** @throws ProtocolError asking to update, or to run the cell again */
export function checkVersion(version: number): void {
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError(
      `this output was written for version ${version} of the MoE Debugger and this one reads version ${PROTOCOL_VERSION}: ` +
        (version > PROTOCOL_VERSION
          ? 'update the extension'
          : 'run the cell again')
    );
  }
}

function decodeCoverage(value: unknown): Coverage {
  const source = object(value, 'coverage');
  const read = (key: keyof Coverage): number =>
    count(source[key], `coverage.${key}`, Number.MAX_SAFE_INTEGER);
  return {
    moeLayers: read('moeLayers'),
    layersCaptured: read('layersCaptured'),
    tokens: read('tokens'),
    ...(source.tokensRun === undefined ? {} : { tokensRun: read('tokensRun') }),
    slots: read('slots')
  };
}
