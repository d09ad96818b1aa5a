"""A notebook's view of a kernel: runs cells and sees what comes back, message by message."""

from __future__ import annotations

from jupyter_client.manager import KernelManager

TIMEOUT = 60


class Cell:
    """What one request has caused."""

    def __init__(self, reply, messages):
        self.reply = reply
        self.messages = messages

    def contents(self, msg_type):
        return [m["content"] for m in self.messages if m["msg_type"] == msg_type]

    @property
    def types(self):
        return [m["msg_type"] for m in self.messages]

    @property
    def error(self):
        return self.contents("error")[0]

    @property
    def result(self):
        """The text of the cell's result."""
        return self.contents("execute_result")[0]["data"]["text/plain"]

    def stream(self, name):
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == name)

    @property
    def stdout(self):
        return self.stream("stdout")

    @property
    def stderr(self):
        return self.stream("stderr")


class Notebook:
    def __init__(self, folder):
        self.manager = KernelManager(kernel_name="tslab-moe")
        self.folder = folder
        # Messages that came while another request was waited for.
        self._iopub = []
        self._replies = {}

    def __enter__(self):
        # What the kernel process itself prints is the tests' to read.
        self.log = open(self.folder / "kernel.log", "w+")
        self.manager.start_kernel(
            cwd=str(self.folder), stdout=self.log, stderr=self.log
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.log.close()

    # Requests -------------------------------------------------------------------------------------------

    def send(self, msg_type, content, channel="shell", buffers=None, metadata=None):
        """Sends a message and returns its id."""
        session = self.client.session
        message = session.msg(msg_type, content, metadata=metadata)
        socket = getattr(self.client, f"{channel}_channel").socket
        session.send(socket, message, buffers=buffers)
        return message["header"]["msg_id"]

    def start(self, code, **options):
        """Sends a cell and does not wait for it."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
            **options,
        }
        return self.send("execute_request", content)

    def run(self, code, **options):
        """Runs a cell to its end."""
        return self.finish(self.start(code, **options))

    def ok(self, code, **options):
        """Runs a cell that must not fail."""
        cell = self.run(code, **options)
        assert cell.reply["status"] == "ok", cell.reply
        return cell

    def request(self, msg_type, content, channel="shell"):
        """The content of the reply to a request."""
        return self.finish(
            self.send(msg_type, content, channel=channel), channel=channel
        ).reply

    def interrupt(self):
        self.manager.interrupt_kernel()

    # Answers --------------------------------------------------------------------------------------------

    def finish(self, msg_id, channel="shell"):
        """Waits for the reply and for `idle`."""
        reply = self.reply(msg_id, channel)
        return Cell(reply, self.until_idle(msg_id))

    def reply(self, msg_id, channel="shell"):
        while msg_id not in self._replies:
            source = getattr(self.client, f"{channel}_channel")
            message = source.get_msg(timeout=TIMEOUT)
            self._replies[message["parent_header"].get("msg_id")] = message["content"]
        return self._replies.pop(msg_id)

    def until_idle(self, msg_id):
        """All messages that answer a request, up to its `idle`."""
        return self.until(
            lambda m: m["content"].get("execution_state") == "idle", parent=msg_id
        )

    def until(self, wanted, parent):
        """The messages under `parent`, up to the first that is `wanted`."""
        found = []
        while not found or not wanted(found[-1]):
            found.append(self._next(parent))
        return found

    def wait_for(self, msg_type, parent):
        """The next message of a type under `parent`."""
        return self.until(lambda m: m["msg_type"] == msg_type, parent)[-1]

    def next_of(self, wanted, timeout=TIMEOUT):
        """The next message on iopub that is `wanted`; others wait for those who ask for them."""
        for message in self._iopub:
            if wanted(message):
                self._iopub.remove(message)
                return message
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if wanted(message):
                return message
            self._iopub.append(message)

    def _next(self, parent):
        return self.next_of(lambda message: message["parent_header"].get("msg_id") == parent)
