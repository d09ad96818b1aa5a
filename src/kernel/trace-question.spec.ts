import { Signal } from '@lumino/signaling';
import type { TraceSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';
import type { IFollowedKernel } from './followed';
import { TraceQuestion } from './trace-question';

class FakeChannel {
  readonly sent: Record<string, unknown>[] = [];
  readonly received = new Signal<this, KernelChannel.Event>(this);

  send(message: Record<string, unknown>): void {
    this.sent.push(message);
  }

  answer(at: number, event: object): void {
    this.received.emit({
      request: this.sent.at(at)!.request,
      ...event
    } as KernelChannel.Event);
  }
}

const summary = (id: string) => ({ id, label: id }) as TraceSummary;

function setUp() {
  const channel = new FakeChannel();
  const follower = {
    channel: channel as FakeChannel | undefined,
    changed: new Signal<object, void>({})
  };
  const findings = new TraceQuestion(
    follower as unknown as IFollowedKernel,
    'findings'
  );
  return { channel, follower, findings };
}

describe('TraceQuestion', () => {
  it('takes the answer to its last question only', () => {
    const { channel, findings } = setUp();
    expect(channel.sent).toEqual([]);
    findings.ask(summary('a'), { type: 'diagnose' });
    findings.ask(summary('b'), { type: 'diagnose' });
    expect(channel.sent.map(({ id }) => id)).toEqual(['a', 'b']);
    channel.answer(0, { type: 'findings', state: 'old' });
    channel.answer(1, { type: 'figure', state: 'of another kind' });
    expect(findings.result).toBeUndefined();
    expect(findings.isRunning).toBe(true);
    channel.answer(1, { type: 'findings', state: 'new' });
    expect(findings.isRunning).toBe(false);
    expect(findings.result).toEqual({ trace: summary('b'), state: 'new' });
  });

  it('keeps the last result beside an error, and the error until the next question', () => {
    const { channel, findings } = setUp();
    findings.ask(summary('a'), { type: 'diagnose' });
    channel.answer(-1, { type: 'findings', state: 1 });
    findings.ask(summary('b'), { type: 'diagnose' });
    channel.answer(-1, { type: 'findings-error', message: 'no longer kept' });
    expect(findings.error).toBe('no longer kept');
    expect(findings.result?.trace.id).toBe('a');
    findings.ask(summary('a'), { type: 'diagnose' });
    expect(findings.error).toBeUndefined();
  });

  it('stops waiting when the kernel is gone', () => {
    const { channel, follower, findings } = setUp();
    findings.ask(summary('a'), { type: 'diagnose' });
    follower.channel = undefined;
    follower.changed.emit();
    expect(findings.isRunning).toBe(false);
    channel.answer(-1, { type: 'findings', state: 1 });
    expect(findings.result).toBeUndefined();
    findings.ask(summary('a'), { type: 'diagnose' });
    expect(channel.sent).toHaveLength(1);
  });
});
