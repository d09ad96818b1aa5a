"""Times comm messages to a real kernel and back, at rest and while a forward runs. Prints one JSON document.

Arguments: the model's folder. The kernelspec is found through JUPYTER_DATA_DIR.
"""

import json
import sys
import time

from jupyter_client.manager import KernelManager

ECHOES = 200
COMM = "echo-1"

PREPARE = """
import {{ loadModel }} from 'moe-debugger';
const kernel = (globalThis as any)[Symbol.for('moe-debugger.kernel.v1')];
kernel.registerTarget('echo', (comm: any) => {{
  comm.onMessage(({{ data }}: any) => comm.send({{ n: data.n }}));
}});
const model = await loadModel({model});
const ids = Array.from({{ length: 512 }}, (_, i) => 5 + i);
await model.trace(ids);
"""

# Forwards one after the other until the panel has had all its answers.
RUN = """
let running = true;
kernel.registerTarget('stop', () => { running = false; });
let forwards = 0;
while (running) {
  await model.trace(ids);
  forwards++;
}
forwards
"""


def echo(client, n):
    """Milliseconds until message n comes back."""
    start = time.perf_counter()
    message = client.session.msg("comm_msg", {"comm_id": COMM, "data": {"n": n}})
    client.shell_channel.send(message)
    while True:
        reply = client.get_iopub_msg(timeout=60)
        if reply["msg_type"] == "error":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))
        if reply["msg_type"] == "comm_msg" and reply["content"]["data"].get("n") == n:
            return (time.perf_counter() - start) * 1000


def open_comm(client, comm_id, target):
    content = {"comm_id": comm_id, "target_name": target, "data": {}}
    client.shell_channel.send(client.session.msg("comm_open", content))


def main(folder):
    manager = KernelManager(kernel_name="tslab-moe")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(
            PREPARE.format(model=json.dumps(folder)),
            timeout=120,
            output_hook=lambda message: None,
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"]["evalue"])
        open_comm(client, COMM, "echo")
        idle = [echo(client, n) for n in range(ECHOES)]
        run = client.execute(RUN)
        # The first forward is under way once the cell says that it is busy.
        while True:
            message = client.get_iopub_msg(timeout=60)
            if (
                message["msg_type"] == "execute_input"
                and message["parent_header"]["msg_id"] == run
            ):
                break
        time.sleep(0.5)
        start = time.perf_counter()
        during = []
        for n in range(ECHOES, 2 * ECHOES):
            during.append(echo(client, n))
            # Spread over the forwards, not only where one begins.
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        open_comm(client, "stop-1", "stop")
        forwards = None
        while forwards is None:
            message = client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "execute_result":
                forwards = int(message["content"]["data"]["text/plain"])
        print(
            json.dumps(
                {
                    "idle": idle,
                    "during": during,
                    "forwards": forwards,
                    "seconds": seconds,
                }
            )
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


main(sys.argv[1])
