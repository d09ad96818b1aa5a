import { MoEDebuggerError } from '../../base/errors';
import { sessionStore, type AskableModel } from '../../api/store';

/** @throws MoEDebuggerError 'input' for a model that is not there or was disposed of */
export function askableModel(id: string): AskableModel {
  const store = sessionStore();
  const model = store.askable(id);
  if (!model) {
    throw new MoEDebuggerError('input', 'this model is not loaded any more', {
      where: store.models.find(own => own.id === id)?.name ?? id,
      hint: 'load it again'
    });
  }
  return model;
}
