/** Jupyter widgets, protocol 2.1, from the kernel's side: https://github.com/jupyter-widgets/ipywidgets `packages/schema/messages.md`. */
import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import {
  currentKernel,
  MIMEBUNDLE,
  type Comm,
  type CommMessage,
  type Displayable,
  type JsonObject,
  type KernelApi
} from '../../base/kernel-api';
import {
  extractBuffers,
  insertBuffers,
  KERNEL_DISPLAY_NAME,
  WIDGET_MODULE,
  WIDGET_MODULE_VERSION
} from '../../base/protocol';

/** The front-end classes of a widget's model and view. */
export interface WidgetClasses {
  model: string;
  /** Absent for a model without a view. */
  view?: string;
  /** npm package of both. Default: ours. */
  module?: string;
  /** Version range of that package. */
  version?: string;
}

type Observer = (value: unknown, previous: unknown) => void | Promise<void>;
type CustomCallback = (
  content: JsonObject,
  buffers: Uint8Array[]
) => void | Promise<void>;

const COMM_TARGET = 'jupyter.widget';
const CONTROL_TARGET = 'jupyter.widget.control';
const WIDGETS_PROTOCOL_VERSION = '2.1.0';
const REFERENCE = 'IPY_MODEL_';
export const WIDGET_VIEW_MIME_TYPE = 'application/vnd.jupyter.widget-view+json';

/**
 * State that the kernel and the front end share. Values are JSON, binary views (sent as buffers) or other widgets
 * (sent as references).
 */
export class Widget<State extends object = JsonObject> implements Displayable {
  readonly modelId: string = randomUUID().replace(/-/g, '');
  private readonly _classes: Required<Omit<WidgetClasses, 'view'>>;
  private readonly _comm: Comm;
  private readonly _state: State;
  private readonly _observers = new Map<string, Set<Observer>>();
  private readonly _customCallbacks = new Set<CustomCallback>();

  /** @throws MoEDebuggerError ('environment') outside the kernel. */
  constructor(classes: WidgetClasses, state: State) {
    const kernel = requireKernel();
    const {
      model,
      view,
      module = WIDGET_MODULE,
      version = WIDGET_MODULE_VERSION
    } = classes;
    this._classes = { model, module, version };
    this._state = {
      _model_name: model,
      _model_module: module,
      _model_module_version: version,
      _view_name: view ?? null,
      _view_module: module,
      _view_module_version: version,
      ...state
    };
    const { data, buffers } = serialize(this._state);
    this._comm = kernel.openComm(COMM_TARGET, data, {
      commId: this.modelId,
      metadata: { version: WIDGETS_PROTOCOL_VERSION },
      buffers
    });
    this._comm.onMessage(message => this._onMessage(message));
    const { widgets } = registry(kernel);
    widgets.set(this.modelId, this as unknown as Widget);
    this._comm.onClose(() => widgets.delete(this.modelId));
  }

  get closed(): boolean {
    return this._comm.closed;
  }

  get<K extends keyof State>(key: K): State[K] {
    return this._state[key];
  }

  /** Sends changed keys to the front end and notifies observers. Resolves when they are done. */
  async set(patch: Partial<State>): Promise<void> {
    const changes = this._assign(patch);
    if (changes.length > 0 && !this.closed) {
      this._sendState(
        'update',
        Object.fromEntries(changes.map(({ key, value }) => [key, value]))
      );
    }
    await this._notify(changes);
  }

  /**
   * Called after `key` has changed, on either side; returns a function that removes the callback. Its output goes to the
   * cell that called `observe`.
   */
  observe<K extends keyof State & string>(
    key: K,
    callback: (value: State[K], previous: State[K]) => void | Promise<void>
  ): () => void {
    const observer = AsyncResource.bind(callback as Observer);
    const observers = this._observers.get(key) ?? new Set<Observer>();
    this._observers.set(key, observers.add(observer));
    return () => {
      observers.delete(observer);
    };
  }

  /** Called for each custom message of the front end; returns a function that removes the callback. */
  onCustom(callback: CustomCallback): () => void {
    const bound = AsyncResource.bind(callback);
    this._customCallbacks.add(bound);
    return () => {
      this._customCallbacks.delete(bound);
    };
  }

  /** Sends a custom message to the front end. */
  send(content: JsonObject, buffers: ArrayBufferView[] = []): void {
    this._comm.send({ method: 'custom', content }, { buffers });
  }

  /** Removes the widget on both sides. May be called repeatedly. */
  close(): void {
    this._comm.close();
  }

  onClose(callback: () => void): () => void {
    return this._comm.onClose(callback);
  }

  [MIMEBUNDLE](): JsonObject | Promise<JsonObject> {
    return {
      'text/plain': this._classes.model.replace(/Model$/, ''),
      [WIDGET_VIEW_MIME_TYPE]: {
        version_major: 2,
        version_minor: 0,
        model_id: this.modelId
      }
    };
  }

  /** The message from which a reloaded page recreates the model. */
  describe(): JsonObject {
    return {
      model_name: this._classes.model,
      model_module: this._classes.module,
      model_module_version: this._classes.version,
      state: this._state
    };
  }

  private async _onMessage({ data, buffers }: CommMessage): Promise<void> {
    switch (data.method) {
      case 'update':
        return this._onUpdate(data, buffers);
      case 'request_state':
        return this._sendState('update', this._state);
      case 'custom':
        for (const callback of [...this._customCallbacks]) {
          await callback((data.content ?? {}) as JsonObject, buffers);
        }
        return;
    }
  }

  private async _onUpdate(
    data: JsonObject,
    buffers: Uint8Array[]
  ): Promise<void> {
    if (typeof data.state !== 'object' || data.state === null) {
      throw new MoEDebuggerError('protocol', 'a widget update has no state', {
        where: this._classes.model
      });
    }
    insertBuffers(data.state, data.buffer_paths ?? [], buffers);
    // The echo informs other pages with this widget of the change, and confirms it to this one.
    this._sendState('echo_update', data.state);
    const known = Object.entries(data.state).filter(([key]) =>
      Object.hasOwn(this._state, key)
    );
    const patch = Object.fromEntries(
      known.map(([key, value]) => [key, dereference(value)])
    );
    await this._notify(this._assign(patch as Partial<State>));
  }

  private _sendState(method: 'update' | 'echo_update', state: object): void {
    const { data, buffers } = serialize(state);
    this._comm.send({ method, ...data }, { buffers });
  }

  private _assign(patch: Partial<State>): Change[] {
    const state = this._state as Record<string, unknown>;
    const changes: Change[] = [];
    for (const [key, value] of Object.entries(patch)) {
      if (!Object.is(state[key], value)) {
        changes.push({ key, value, previous: state[key] });
        state[key] = value;
      }
    }
    return changes;
  }

  private async _notify(changes: Change[]): Promise<void> {
    for (const { key, value, previous } of changes) {
      for (const observer of [...(this._observers.get(key) ?? [])]) {
        await observer(value, previous);
      }
    }
  }
}

interface Change {
  key: string;
  value: unknown;
  previous: unknown;
}

/** State of every widget with a view of its own. */
export interface DOMWidgetState {
  layout?: Widget;
  tabbable?: boolean | null;
  tooltip?: string | null;
  _dom_classes?: string[];
}

/** A widget with a view; it gets a layout of its own unless one is given. */
export class DOMWidget<
  State extends DOMWidgetState = DOMWidgetState & JsonObject
> extends Widget<State> {
  constructor(classes: WidgetClasses & { view: string }, state: State) {
    const layout = state.layout ?? new Widget(LAYOUT, {});
    super(classes, {
      tabbable: null,
      tooltip: null,
      _dom_classes: [],
      ...state,
      layout
    });
    if (!state.layout) {
      this.onClose(() => layout.close());
    }
  }
}

/** CSS layout of a widget's box, as in ipywidgets: `new Widget(LAYOUT, { width: '100%' })`. */
export const LAYOUT: WidgetClasses = {
  model: 'LayoutModel',
  view: 'LayoutView',
  module: '@jupyter-widgets/base',
  version: '2.0.0'
};

function requireKernel(): KernelApi {
  const kernel = currentKernel();
  if (!kernel) {
    throw new MoEDebuggerError(
      'environment',
      'a widget needs a notebook and its kernel',
      { hint: `choose the kernel "${KERNEL_DISPLAY_NAME}"` }
    );
  }
  return kernel;
}

interface Registry {
  widgets: Map<string, Widget>;
}

const REGISTRY = Symbol.for('moe-debugger.widgets.v1');

/** Process-wide, so that all copies of this package answer a reloaded page together. */
function registry(kernel: KernelApi): Registry {
  const slots = globalThis as { [REGISTRY]?: Registry };
  if (!slots[REGISTRY]) {
    const widgets = new Map<string, Widget>();
    slots[REGISTRY] = { widgets };
    kernel.registerTarget(CONTROL_TARGET, comm => {
      comm.onMessage(({ data }) => {
        if (data.method === 'request_states') {
          sendStates(comm, widgets);
        }
      });
    });
  }
  return slots[REGISTRY];
}

function sendStates(comm: Comm, widgets: Map<string, Widget>): void {
  const all = [...widgets].map(([id, widget]) => [id, widget.describe()]);
  const { state, bufferPaths, buffers } = extractBuffers(
    withReferences(Object.fromEntries(all))
  );
  comm.send(
    { method: 'update_states', states: state, buffer_paths: bufferPaths },
    { buffers }
  );
}

function serialize(value: object): {
  data: JsonObject;
  buffers: ArrayBufferView[];
} {
  const { state, bufferPaths, buffers } = extractBuffers(withReferences(value));
  return { data: { state, buffer_paths: bufferPaths }, buffers };
}

/** Replaces widgets with references to their models. */
function withReferences(value: unknown): unknown {
  if (value instanceof Widget) {
    return REFERENCE + value.modelId;
  }
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value);
  }
  if (Array.isArray(value)) {
    return value.map(withReferences);
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value)
  ) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, withReferences(entry)])
    );
  }
  return value;
}

function dereference(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith(REFERENCE)) {
    const { widgets } = registry(requireKernel());
    return widgets.get(value.slice(REFERENCE.length)) ?? value;
  }
  return Array.isArray(value) ? value.map(dereference) : value;
}
