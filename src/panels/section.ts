import type { Widget } from '@lumino/widgets';
import type { IMoEContext } from '../tokens';
import type { PanelModel } from './model';

/** What every section gets. */
export interface ISectionOptions {
  model: PanelModel;
  context: IMoEContext;
}

/** A part of the side panel that opens and closes: a row of the table of sections. */
export interface ISectionKind {
  id: string;
  /** The widget's `title.label` is the section's heading. */
  create: (options: ISectionOptions) => Widget;
  /** Relative height among the open sections. */
  share: number;
  /** Initial state. A closed section does nothing. */
  isClosed?: boolean;
}

/** A section of an open panel. */
export interface ISection extends Omit<ISectionKind, 'create'> {
  widget: Widget;
}

export function createSections(
  kinds: readonly ISectionKind[],
  options: ISectionOptions
): ISection[] {
  return kinds.map(({ create, ...section }) => ({
    ...section,
    widget: create(options)
  }));
}
