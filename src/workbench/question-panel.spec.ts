import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import type { ToKernel } from 'moe-debugger/protocol';
import type { KernelFollower } from '../kernel';
import type { PanelModel } from '../panels/model';
import { QuestionPanel } from './question-panel';

class Probe extends QuestionPanel<'figure'> {
  drawn = 0;

  ask(): void {
    this.question?.ask(this.trace!, {
      type: 'draw',
      name: 'loads',
      layerIndex: 0
    });
  }

  get error(): string | undefined {
    return this.question?.error;
  }

  protected draw(): void {
    this.drawn++;
  }
}

/** The follower of a notebook whose kernel has one trace. */
class FakeFollower {
  readonly changed = new Signal<this, void>(this);
  readonly models = [];
  readonly sent: ToKernel[] = [];
  readonly channel = {
    received: new Signal<object, object>({}),
    send: (message: ToKernel) => this.sent.push(message)
  };
  readonly selectedTrace = { id: 'a' };

  /** Answers the last question. */
  refuse(message: string): void {
    const { request } = this.sent.at(-1) as { request: number };
    this.channel.received.emit({ type: 'figure-error', request, message });
  }
}

function shown(): {
  probe: Probe;
  show: (follower: FakeFollower | null) => void;
} {
  const changed = new Signal<object, void>({});
  const model = { changed, follower: null as KernelFollower | null };
  const probe = new Probe(model as unknown as PanelModel, 'figure');
  const panel = new Panel();
  panel.addWidget(probe);
  Widget.attach(panel, document.body);
  return {
    probe,
    show: follower => {
      model.follower = follower as unknown as KernelFollower | null;
      changed.emit();
    }
  };
}

describe('QuestionPanel', () => {
  it('asks about the selected trace, and draws when the answer is there', () => {
    const { probe, show } = shown();
    const follower = new FakeFollower();
    show(follower);
    probe.ask();
    expect(follower.sent).toMatchObject([
      { type: 'draw', name: 'loads', layerIndex: 0, id: 'a' }
    ]);
    const { drawn } = probe;
    follower.refuse('no such layer');
    expect(probe.error).toBe('no such layer');
    expect(probe.drawn).toBe(drawn + 1);
  });

  it('keeps the answer of each notebook', () => {
    const { probe, show } = shown();
    const [one, other] = [new FakeFollower(), new FakeFollower()];
    show(one);
    probe.ask();
    one.refuse('too long');
    show(other);
    expect(probe.error).toBeUndefined();
    show(null);
    expect(probe.error).toBeUndefined();
    show(one);
    expect(probe.error).toBe('too long');
  });

  it('draws nothing while it is closed, and the notebook of now when it is opened', () => {
    const { probe, show } = shown();
    probe.hide();
    const { drawn } = probe;
    show(new FakeFollower());
    expect(probe.drawn).toBe(drawn);
    probe.ask();
    probe.show();
    expect(probe.drawn).toBe(drawn + 1);
  });

  it('follows nothing once it is disposed', () => {
    const { probe, show } = shown();
    const follower = new FakeFollower();
    show(follower);
    probe.ask();
    const { drawn } = probe;
    probe.dispose();
    follower.refuse('late');
    show(new FakeFollower());
    expect(probe.drawn).toBe(drawn);
  });
});
