import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { ILiveRegistry, IToolLink } from '../tokens';
import type { ITool } from './tool';

/** Connects a stored tool to its live widget, while that exists. */
export function followWidget(
  { model }: ITool,
  id: string,
  liveTools: ILiveRegistry<IToolLink>
): IDisposable {
  const follow = (_: ILiveRegistry<IToolLink>, changed: string) => {
    if (changed === id) {
      model.link = liveTools.get(id);
    }
  };
  liveTools.changed.connect(follow);
  model.link = liveTools.get(id);
  return new DisposableDelegate(() => liveTools.changed.disconnect(follow));
}
