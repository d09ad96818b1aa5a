import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Application } from '@lumino/application';
import { Token } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { optionalService } from './optional-service';

interface ILamp {
  isOn: boolean;
}

const ILamp = new Token<ILamp>('test:ILamp');

function application(): JupyterFrontEnd {
  return new Application({ shell: new Widget() }) as unknown as JupyterFrontEnd;
}

describe('optionalService', () => {
  it('returns the service, and starts its plugin', async () => {
    const app = application();
    app.registerPlugin({
      id: 'test:lamp',
      description: 'Provides a lamp.',
      provides: ILamp,
      activate: () => ({ isOn: true })
    });
    expect(await optionalService(app, async () => ILamp)).toEqual({
      isOn: true
    });
  });

  it('returns null if no plugin provides it', async () => {
    expect(await optionalService(application(), async () => ILamp)).toBeNull();
  });

  it('returns null if the application does not share the package', async () => {
    expect(
      await optionalService<ILamp>(application(), () =>
        Promise.reject(
          new Error("Shared module test doesn't exist in shared scope default")
        )
      )
    ).toBeNull();
  });
});
