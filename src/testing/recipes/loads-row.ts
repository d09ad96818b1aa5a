import type { IToolRow } from '../../tools/table';

export const ROWS: { loads: IToolRow<'loads'> } = {
  loads: {
    title: trans => trans.__('Expert loads'),
    load: () => import('./loads')
  }
};
