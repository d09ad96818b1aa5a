import type { ITranslation } from '../../translation';
import {
  EXPERT_EDITS,
  type ExpertEdit,
  type ExpertEditKind
} from 'moe-debugger/protocol';

/** How each edit looks in a cell, and the key that makes it. */
export const KINDS: Record<ExpertEditKind, { sign: string; key: string }> = {
  mask: { sign: '×', key: 'm' },
  drop: { sign: '−', key: 'd' },
  swap: { sign: '→', key: 's' },
  force: { sign: '★', key: 'f' }
};

export function kindOfKey(key: string): ExpertEditKind | undefined {
  return EXPERT_EDITS.find(kind => KINDS[kind].key === key.toLowerCase());
}

export function kindName(kind: ExpertEditKind, trans: ITranslation): string {
  switch (kind) {
    case 'mask':
      return trans.__('Mask');
    case 'drop':
      return trans.__('Drop');
    case 'swap':
      return trans.__('Swap');
    case 'force':
      return trans.__('Force');
  }
}

/** A sentence about what a kind of edit does. */
export function kindHelp(kind: ExpertEditKind, trans: ITranslation): string {
  switch (kind) {
    case 'mask':
      return trans.__(
        'Mask: the router cannot choose the expert; the next best one takes its place.'
      );
    case 'drop':
      return trans.__(
        'Drop: the expert’s output vanishes; the others keep their weights.'
      );
    case 'swap':
      return trans.__(
        'Swap: another expert of the layer runs in its place, at the same weight.'
      );
    case 'force':
      return trans.__(
        'Force: every token takes only this expert, with weight 1.'
      );
  }
}

/** An edit as text in a cell's label. */
export function editText(edit: ExpertEdit, trans: ITranslation): string {
  switch (edit.kind) {
    case 'mask':
      return trans.__('masked');
    case 'drop':
      return trans.__('dropped');
    case 'swap':
      return trans.__('swapped for expert %1', edit.to ?? '?');
    case 'force':
      return trans.__('forced');
  }
}
