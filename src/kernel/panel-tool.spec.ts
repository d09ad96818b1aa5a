import { Signal } from '@lumino/signaling';
import type { ModelSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';
import type { IFollowedKernel } from './followed';
import { PanelTool } from './panel-tool';

class FakeChannel {
  readonly sent: Record<string, unknown>[] = [];
  readonly received = new Signal<this, KernelChannel.Event>(this);

  send(message: Record<string, unknown>): void {
    this.sent.push(message);
  }

  get opened(): number {
    return this.sent.filter(({ type }) => type === 'open-tool').at(-1)!
      .tool as number;
  }
}

const summary = (
  id: string,
  status: ModelSummary['status'] = 'ready'
): ModelSummary => ({
  id,
  name: id,
  path: '',
  layers: [],
  experts: 1,
  topK: 1,
  status
});

function setUp(...models: ModelSummary[]) {
  const channel = new FakeChannel();
  const follower = {
    channel: channel as FakeChannel | undefined,
    models,
    changed: new Signal<object, void>({})
  };
  const tool = new PanelTool({
    follower: follower as unknown as IFollowedKernel,
    name: 'experts'
  });
  return { channel, follower, tool };
}

describe('PanelTool', () => {
  it('sends nothing until it is shown, and then opens the newest model', () => {
    const { channel, follower, tool } = setUp(summary('a'), summary('b'));
    follower.changed.emit();
    expect(channel.sent).toEqual([]);
    tool.active = true;
    expect(channel.sent).toEqual([
      { type: 'open-tool', tool: channel.opened, name: 'experts', modelId: 'b' }
    ]);
    tool.send({ do: 'clear' });
    expect(channel.sent).toHaveLength(1);
  });

  it('merges patches, and sends actions while it is open', () => {
    const { channel, tool } = setUp(summary('a'));
    tool.active = true;
    const id = channel.opened;
    const patch = { running: false, prompt: 'x' };
    channel.received.emit({ type: 'tool', tool: id, patch });
    channel.received.emit({
      type: 'tool',
      tool: id,
      patch: { running: true }
    });
    channel.received.emit({ type: 'tool', tool: id + 1, patch: { other: 1 } });
    expect(tool.state).toEqual({ running: true, prompt: 'x' });
    expect(tool.isLive).toBe(true);
    tool.send({ do: 'cancel' });
    expect(channel.sent.at(-1)).toEqual({
      type: 'act',
      tool: id,
      action: { do: 'cancel' }
    });
  });

  it('opens another model when it is selected, or when its own is disposed', () => {
    const { channel, follower, tool } = setUp(summary('a'), summary('b'));
    tool.active = true;
    const first = channel.opened;
    tool.choose('a');
    expect(channel.sent.slice(1)).toEqual([
      { type: 'close-tool', tool: first },
      { type: 'open-tool', tool: channel.opened, name: 'experts', modelId: 'a' }
    ]);
    follower.models = [summary('a', 'disposed'), summary('b')];
    follower.changed.emit();
    expect(channel.sent.at(-1)).toMatchObject({ modelId: 'b' });
  });

  it('keeps its state after a restart, and opens again', () => {
    const { channel, follower, tool } = setUp(summary('a'));
    tool.active = true;
    const id = channel.opened;
    channel.received.emit({ type: 'tool', tool: id, patch: { prompt: 'x' } });
    follower.channel = undefined;
    follower.models = [];
    follower.changed.emit();
    expect(tool.isLive).toBe(false);
    expect(tool.state).toEqual({ prompt: 'x' });
    const next = new FakeChannel();
    follower.channel = next;
    follower.models = [summary('c')];
    follower.changed.emit();
    expect(next.opened).not.toBe(id);
    // Messages of the old process are ignored.
    channel.received.emit({ type: 'tool', tool: id, patch: { prompt: 'y' } });
    expect(tool.state).toEqual({ prompt: 'x' });
    next.received.emit({
      type: 'tool',
      tool: next.opened,
      patch: { prompt: 'z' }
    });
    expect(tool.state).toEqual({ prompt: 'z' });
  });

  it('says why it did not open', () => {
    const { channel, tool } = setUp(summary('a'));
    tool.active = true;
    channel.received.emit({
      type: 'tool-error',
      tool: channel.opened,
      message: 'no'
    });
    expect(tool.error).toBe('no');
    expect(tool.isLive).toBe(false);
  });
});
