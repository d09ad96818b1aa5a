/** The thread that owns the sockets. It must never wait for the main thread, which a cell can block. */
import { rmSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { context, Publisher, Reply, Router } from 'zeromq';
import type { JsonObject } from '../../base/kernel-api';
import type { Channel } from './connection';
import { killProcess, watchParent } from './lifetime';
import { OutputBuffer, type Output } from './output-buffer';
import type { FromIOWorker, IOWorkerData, ToIOWorker } from './sockets';
import { Terminator } from './terminator';
import { makeHeader, Wire, type Message } from './wire';

/** Time for the main thread to handle an interrupt before its running code is terminated. */
const INTERRUPT_GRACE_MS = 150;
/** Time for a shutdown before the process is killed. */
const SHUTDOWN_GRACE_MS = 400;

class IOWorker {
  private readonly _data: IOWorkerData;
  private readonly _wire: Wire;
  private readonly _terminator: Terminator;
  private readonly _iopub = new Publisher();
  private readonly _shell = new Router();
  private readonly _control = new Router();
  private readonly _stdin = new Router();
  private readonly _heartbeat = new Reply();
  private readonly _output = new OutputBuffer(output => this._print(output));
  /** Interrupt requests that the main thread has not handled yet. */
  private _interrupts: Message[] = [];
  private _shutdown: { message: Message; channel: Channel } | undefined;
  private _closing: Promise<void> | undefined;

  constructor(data: IOWorkerData) {
    this._data = data;
    this._wire = new Wire(data.connection.key, data.connection.signatureScheme);
    this._terminator = new Terminator(data.guarded);
  }

  async start(): Promise<void> {
    const { addresses } = this._data.connection;
    context.blocky = false;
    for (const socket of [
      this._iopub,
      this._shell,
      this._control,
      this._stdin
    ]) {
      // No limit: zeromq.js rejects a send while another one waits.
      socket.sendHighWaterMark = 0;
      socket.sendTimeout = 0;
      socket.linger = 300;
    }
    for (const socket of [this._shell, this._control]) {
      socket.receiveHighWaterMark = 0;
    }
    await Promise.all([
      this._iopub.bind(addresses.iopub),
      this._shell.bind(addresses.shell),
      this._control.bind(addresses.control),
      this._stdin.bind(addresses.stdin),
      this._heartbeat.bind(addresses.hb)
    ]);
    this._data.port.on('message', (event: ToIOWorker) => this._onEvent(event));
    void this._listen('shell', this._shell);
    void this._listen('control', this._control);
    void this._echoHeartbeat();
    watchParent();
  }

  private async _listen(channel: Channel, socket: Router): Promise<void> {
    for await (const frames of socket) {
      try {
        this._onMessage(this._wire.parse(frames), channel);
      } catch (error) {
        log(`on ${channel}, ${(error as Error).message}`);
      }
    }
  }

  private async _echoHeartbeat(): Promise<void> {
    for await (const frames of this._heartbeat) {
      await this._heartbeat.send(frames);
    }
  }

  private _onMessage(message: Message, channel: Channel): void {
    switch (message.header.msg_type) {
      case 'interrupt_request':
        return this._interrupt(message);
      case 'shutdown_request':
        return this._beginShutdown(message, channel);
    }
    // ZeroMQ owns the memory of received frames, so only a copy can be transferred to another thread.
    const buffers = message.buffers.map(buffer => new Uint8Array(buffer));
    this._post(
      { type: 'message', channel, message: { ...message, buffers } },
      buffers.map(buffer => buffer.buffer)
    );
  }

  private _onEvent(event: ToIOWorker): void {
    switch (event.type) {
      case 'send': {
        const frames = this._wire.serialize(
          event.identities,
          event.parts,
          event.buffers
        );
        return this._send(event.channel, frames);
      }
      case 'output':
        return this._output.write(event.output);
      case 'barrier':
        // Messages already in the sockets are delivered in this turn of the loop and the next.
        setTimeout(() => this._post({ type: 'barrier' }), 5);
        return;
      case 'interrupted':
        return this._answerInterrupts();
      case 'close':
        void this._close().then(() => {
          if (event.closed) {
            Atomics.store(event.closed, 0, 1);
            Atomics.notify(event.closed, 0);
          }
        });
        return;
    }
  }

  private _interrupt(message: Message): void {
    this._publishStatus('busy', message);
    this._interrupts.push(message);
    this._post({ type: 'interrupt', header: message.header });
    if (this._interrupts.length > 1) {
      return;
    }
    const endRunningCode = (): void => {
      if (this._interrupts.length > 0) {
        this._terminator.terminate(() => this._interrupts.length > 0);
        setTimeout(endRunningCode, INTERRUPT_GRACE_MS);
      }
    };
    setTimeout(endRunningCode, INTERRUPT_GRACE_MS);
  }

  private _answerInterrupts(): void {
    for (const message of this._interrupts.splice(0)) {
      this._reply('control', message, 'interrupt_reply', { status: 'ok' });
      this._publishStatus('idle', message);
    }
  }

  private _beginShutdown(message: Message, channel: Channel): void {
    this._shutdown ??= { message, channel };
    rmSync(this._data.lifeRecord, { force: true });
    this._post({ type: 'shutdown' });
    setTimeout(() => {
      void this._close().then(killProcess);
    }, SHUTDOWN_GRACE_MS);
  }

  private _close(): Promise<void> {
    this._closing ??= (async () => {
      if (this._shutdown) {
        const { message, channel } = this._shutdown;
        const content = {
          status: 'ok',
          restart: message.content.restart === true
        };
        this._publishStatus('busy', message);
        this._reply(channel, message, 'shutdown_reply', content);
        this._publish('shutdown_reply', content, message);
        this._publishStatus('idle', message);
      }
      // ZeroMQ's own thread writes queued messages, and there is no call that waits for it.
      await new Promise(resolve => setTimeout(resolve, 20));
      for (const socket of [
        this._iopub,
        this._shell,
        this._control,
        this._stdin,
        this._heartbeat
      ]) {
        socket.close();
      }
      this._post({ type: 'closed' });
    })();
    return this._closing;
  }

  private _publishStatus(state: 'busy' | 'idle', parent: Message): void {
    this._publish('status', { execution_state: state }, parent);
  }

  private _publish(type: string, content: JsonObject, parent: Message): void {
    this._send(
      'iopub',
      this._frames([Buffer.from(type)], type, content, parent)
    );
  }

  private _reply(
    channel: Channel,
    to: Message,
    type: string,
    content: JsonObject
  ): void {
    this._send(channel, this._frames(to.identities, type, content, to));
  }

  private _frames(
    identities: Uint8Array[],
    type: string,
    content: JsonObject,
    parent: Message
  ): (string | Uint8Array)[] {
    return this._wire.serialize(identities, [
      JSON.stringify(makeHeader(type, this._data.session)),
      JSON.stringify(parent.header),
      '{}',
      JSON.stringify(content)
    ]);
  }

  private _print({ name, text, parent }: Output): void {
    const frames = this._wire.serialize(
      [Buffer.from(`stream.${name}`)],
      [
        JSON.stringify(makeHeader('stream', this._data.session)),
        parent,
        '{}',
        JSON.stringify({ name, text })
      ]
    );
    this._send('iopub', frames);
  }

  private _send(channel: Channel, frames: (string | Uint8Array)[]): void {
    if (channel === 'iopub') {
      this._output.flush();
    }
    const sockets: Partial<Record<Channel, Publisher | Router>> = {
      iopub: this._iopub,
      shell: this._shell,
      control: this._control
    };
    // A disconnected client is not an error of the kernel.
    sockets[channel]?.send(frames).catch(() => undefined);
  }

  private _post(event: FromIOWorker, transfer: ArrayBuffer[] = []): void {
    this._data.port.postMessage(event, transfer);
  }
}

function log(text: string): void {
  // A worker's `console` is executed by the main thread, which may be busy.
  writeSync(2, `moe-debugger kernel: ${text}\n`);
}

// A failure to bind ends this thread, and `Sockets` reports it.
void new IOWorker(workerData as IOWorkerData)
  .start()
  .then(() => parentPort?.postMessage('bound'));
