import { Signal } from '@lumino/signaling';
import type { TraceSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';
import type { KernelFollower } from './follower';
import { PanelFindings } from './panel-findings';

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
  const findings = new PanelFindings(follower as unknown as KernelFollower);
  return { channel, follower, findings };
}

describe('PanelFindings', () => {
  it('asks when it is told to, and takes the answer to its last question', () => {
    const { channel, findings } = setUp();
    expect(channel.sent).toEqual([]);
    findings.diagnose(summary('a'));
    findings.diagnose(summary('b'));
    expect(channel.sent.map(({ id }) => id)).toEqual(['a', 'b']);
    channel.answer(0, { type: 'findings', state: 'old' });
    expect(findings.result).toBeUndefined();
    expect(findings.isRunning).toBe(true);
    channel.answer(1, { type: 'findings', state: 'new' });
    expect(findings.isRunning).toBe(false);
    expect(findings.result).toEqual({ trace: summary('b'), state: 'new' });
  });

  it('keeps what it had beside an error, until the next question', () => {
    const { channel, findings } = setUp();
    findings.diagnose(summary('a'));
    channel.answer(-1, { type: 'findings', state: 1 });
    findings.diagnose(summary('b'));
    channel.answer(-1, { type: 'findings-error', message: 'no longer kept' });
    expect(findings.error).toBe('no longer kept');
    expect(findings.result?.trace.id).toBe('a');
    findings.diagnose(summary('a'));
    expect(findings.error).toBeUndefined();
  });

  it('waits for nothing from a kernel that is gone', () => {
    const { channel, follower, findings } = setUp();
    findings.diagnose(summary('a'));
    follower.channel = undefined;
    follower.changed.emit();
    expect(findings.isRunning).toBe(false);
    channel.answer(-1, { type: 'findings', state: 1 });
    expect(findings.result).toBeUndefined();
    findings.diagnose(summary('a'));
    expect(channel.sent).toHaveLength(1);
  });
});
