import type { Contents } from '@jupyterlab/services';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import type { PanelModel } from '../panels/model';
import { PanelStatus } from '../panels/status';
import type { ITranslation } from '../translation';

/** A line above the views that says what is wrong with the kernel, and what to do; empty when all is well. */
export function createNotice(options: {
  commands: CommandRegistry;
  contents: Contents.IManager;
  trans: ITranslation;
}): (model: PanelModel) => Widget {
  return model => {
    const notice = new PanelStatus({ ...options, model, isNotice: true });
    notice.addClass('moe-Workbench-notice');
    return notice;
  };
}
