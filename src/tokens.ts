import type { ITranslation } from './translation';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { Measure } from 'moe-debugger/protocol';
import type { RoutingModel } from './routing/model';

/** The npm name of the extension: the prefix of plugin, command and token ids. */
export const NAMESPACE = 'jupyterlab-moe-debugger';

/** What all views of the extension share. Internal: other extensions get no view of it. */
export interface IMoEContext {
  readonly trans: ITranslation;
  readonly preferences: IPreferences;
  /** The theme's colours changed; charts read them anew. */
  readonly themeChanged: ISignal<IMoEContext, void>;
  /** Whether the page shows dark text on a light ground. */
  readonly isLight: boolean;
  readonly views: IRoutingViews;
  readonly liveModels: ILiveRegistry<ILiveModel>;
  readonly liveTools: ILiveRegistry<IToolLink>;
}

export const IMoEContext = new Token<IMoEContext>(
  `${NAMESPACE}:IMoEContext`,
  'What the views of the MoE Debugger share: preferences, theme, the routing views on the page and the live widgets.'
);

/** Names of colour schemes; `auto` takes one that suits the theme. */
export type ColorScheme = 'auto' | 'viridis' | 'magma' | 'cividis' | 'blues';

/** The user's settings. */
export interface IPreferences {
  /** What a heatmap shows at first in the panel. */
  readonly measure: Measure;
  readonly colorScheme: ColorScheme;
  /** Whether the panel fetches a new trace as soon as the kernel has one. */
  readonly liveUpdates: boolean;
  readonly changed: ISignal<IPreferences, void>;
}

/** The routing views on the page, whichever output, widget or panel they are in. */
export interface IRoutingViews {
  /** The view last worked with. */
  readonly current: RoutingModel | null;
  readonly currentChanged: ISignal<IRoutingViews, RoutingModel | null>;
  add(model: RoutingModel): IDisposable;
  /** Called by a view when it gains the focus or the pointer works in it. */
  activate(model: RoutingModel): void;
}

/** The part of a widget's model that outputs follow; the widget manager owns it. */
export interface ILiveModel {
  readonly layerIndex: number;
  readonly measure: Measure;
  readonly changed: ISignal<ILiveModel, void>;
  /** Changes the state here and in the kernel. */
  update(state: { layerIndex: number; measure: Measure }): void;
}

/** A tool that runs in a kernel, reached through its widget or through the panel's comm. */
export interface IToolLink {
  /** Whether what is sent arrives. */
  readonly isLive: boolean;
  /** As the kernel sent it, not yet checked; undefined before it has. */
  readonly state: Readonly<Record<string, unknown>> | undefined;
  readonly changed: ISignal<IToolLink, void>;
  send(action: object): void;
}

/** Live widgets by model id: an output stored in a notebook finds its widget here while the kernel runs. */
export interface ILiveRegistry<T> {
  get(id: string): T | undefined;
  /** One came or went; the argument is its id. */
  readonly changed: ISignal<ILiveRegistry<T>, string>;
  add(id: string, entry: T): IDisposable;
}
