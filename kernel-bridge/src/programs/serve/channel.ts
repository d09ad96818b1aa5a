/** The comm target `moe-debugger`, by which side panels follow the kernel: one comm is one client. */
import type { Comm, JsonObject, KernelApi } from '../../base/kernel-api';
import { COMM_TARGET } from '../../base/protocol';
import { serveClient, type Transport } from './handler';

/** Registers the comm target; any number of panels can connect at any time. */
export function serveSessions(kernel: KernelApi): void {
  kernel.registerTarget(COMM_TARGET, comm =>
    serveClient(overComm(comm), kernel.previousEnd)
  );
}

function overComm(comm: Comm): Transport {
  return {
    get closed() {
      return comm.closed;
    },
    send: (message, buffers) =>
      comm.send(message as unknown as JsonObject, { buffers: [...buffers] }),
    onMessage: listener => void comm.onMessage(({ data }) => listener(data)),
    onClose: listener => void comm.onClose(listener)
  };
}
