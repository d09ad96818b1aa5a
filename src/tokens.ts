import type { ITranslation } from './translation';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { Measure } from 'moe-debugger/protocol';
import type { RoutingModel } from './routing/model';

/** The npm name of the extension: the prefix of plugin, command and token ids. */
export const NAMESPACE = 'jupyterlab-moe-debugger';

/** The state that all views of the extension share. Internal: not for other extensions. */
export interface IMoEContext {
  readonly trans: ITranslation;
  readonly preferences: IPreferences;
  /** Emitted when the theme's colours change. */
  readonly themeChanged: ISignal<IMoEContext, void>;
  /** Whether the theme is light. */
  readonly isLight: boolean;
  readonly views: IRoutingViews;
  readonly liveModels: ILiveRegistry<ILiveModel>;
  readonly liveTools: ILiveRegistry<IToolLink>;
}

export const IMoEContext = new Token<IMoEContext>(
  `${NAMESPACE}:IMoEContext`,
  'The shared state of the views of the MoE Debugger: preferences, theme, routing views and live widgets.'
);

/** Names of colour schemes; `auto` selects one for the theme. */
export type ColorScheme = 'auto' | 'viridis' | 'magma' | 'cividis' | 'blues';

/** The user's settings. */
export interface IPreferences {
  /** The initial measure of the panel's heatmap. */
  readonly measure: Measure;
  readonly colorScheme: ColorScheme;
  /** Whether the panel fetches a new trace as soon as the kernel has one. */
  readonly liveUpdates: boolean;
  readonly changed: ISignal<IPreferences, void>;
}

/** All routing views on the page: in outputs, widgets and the panel. */
export interface IRoutingViews {
  /** The most recently used view. */
  readonly current: RoutingModel | null;
  readonly currentChanged: ISignal<IRoutingViews, RoutingModel | null>;
  add(model: RoutingModel): IDisposable;
  /** Called by a view when it gets the focus or a click. */
  activate(model: RoutingModel): void;
}

/** The part of a widget's model that outputs follow; the widget manager owns it. */
export interface ILiveModel {
  readonly layerIndex: number;
  readonly measure: Measure;
  readonly changed: ISignal<ILiveModel, void>;
  /** Changes the state on the page and in the kernel. */
  update(state: { layerIndex: number; measure: Measure }): void;
}

/** The connection to a tool in a kernel, through its widget or the panel's comm. */
export interface IToolLink {
  /** Whether actions reach the kernel. */
  readonly isLive: boolean;
  /** As the kernel sent it, not yet validated; undefined before that. */
  readonly state: Readonly<Record<string, unknown>> | undefined;
  readonly changed: ISignal<IToolLink, void>;
  send(action: object): void;
}

/** Live widgets by model id, for the outputs that were stored with them. */
export interface ILiveRegistry<T> {
  get(id: string): T | undefined;
  /** Emitted when an entry is added or removed; the argument is its id. */
  readonly changed: ISignal<ILiveRegistry<T>, string>;
  add(id: string, entry: T): IDisposable;
}
