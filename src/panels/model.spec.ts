import { hello } from '../testing/fake-kernel';
import { FakeNotebook, followedNotebook } from '../testing/fake-notebook';

describe('PanelModel', () => {
  it('follows no kernel until it is visible, and then that of the active notebook', () => {
    const { model, notebook } = followedNotebook();
    expect(model.notebook).toBe(notebook);
    expect(model.follower!.sessionContext).toBe(notebook.sessionContext);
    expect(notebook.kernel.comms).toHaveLength(1);

    const hidden = followedNotebook();
    hidden.model.visible = false;
    hidden.tracker.show(new FakeNotebook('b.ipynb'));
    expect(hidden.tracker.currentWidget!.kernel.comms).toEqual([]);
    expect(hidden.model.notebook).toBe(hidden.notebook);
  });

  it('tells a kernel when it is hidden, and when it is shown again', () => {
    const { model, notebook } = followedNotebook();
    const { comm } = notebook.kernel;
    comm.receive(hello());
    model.visible = false;
    expect(comm.sent.at(-1)).toEqual({ type: 'unsubscribe' });
    const { length } = comm.sent;
    model.visible = false;
    expect(comm.sent).toHaveLength(length);
    model.visible = true;
    expect(comm.sent.at(-1)).toEqual({ type: 'subscribe' });
  });

  it('keeps a follower for each notebook, of which one is active', () => {
    const { model, tracker, notebook } = followedNotebook();
    notebook.kernel.comm.receive(hello());
    const first = model.follower!;
    const other = new FakeNotebook('b.ipynb');
    let changes = 0;
    model.changed.connect(() => changes++);
    tracker.show(other);
    expect(changes).toBeGreaterThan(0);
    expect(model.notebook).toBe(other);
    expect(model.follower).not.toBe(first);
    expect([first.active, model.follower!.active]).toEqual([false, true]);
    expect(notebook.kernel.comm.sent.at(-1)).toEqual({ type: 'unsubscribe' });

    // What a notebook in the background says changes nothing here.
    changes = 0;
    notebook.session.setStatus('dead');
    expect(changes).toBe(0);
    other.session.setStatus('dead');
    expect(changes).toBe(1);

    tracker.show(notebook);
    expect(model.follower).toBe(first);
    tracker.show(null);
    expect([model.notebook, model.follower]).toEqual([null, null]);
    expect(first.active).toBe(false);
  });

  it('forgets a notebook that is closed', () => {
    const { model, notebook } = followedNotebook();
    const follower = model.follower!;
    let changes = 0;
    model.changed.connect(() => changes++);
    notebook.disposed.emit();
    expect([model.notebook, model.follower]).toEqual([null, null]);
    expect(follower.isDisposed).toBe(true);
    expect(changes).toBe(1);
  });

  it('lets go of all notebooks when it is disposed', () => {
    const { model, tracker, notebook } = followedNotebook();
    const first = model.follower!;
    tracker.show(new FakeNotebook('b.ipynb'));
    const second = model.follower!;
    model.dispose();
    model.dispose();
    expect([model.isDisposed, first.isDisposed, second.isDisposed]).toEqual([
      true,
      true,
      true
    ]);
    tracker.show(notebook);
    expect(notebook.kernel.comms).toHaveLength(1);
  });
});
