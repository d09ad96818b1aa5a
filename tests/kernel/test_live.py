"""A generation while its cell runs, as the side panel sees it through its comm."""

import json
import os
import signal
import struct
import time
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "models" / "demo"
TOKENS = 12
# Waits between tokens, so that the kernel writes while the panel reads.
PAUSE = "onToken: () => new Promise<void>(done => setTimeout(done, 40))"


class Panel:
    """The front end's side of the comm `moe-debugger`."""

    def __init__(self, notebook, comm_id):
        self.notebook = notebook
        self.comm_id = comm_id
        self.heard = []
        notebook.send(
            "comm_open",
            {"comm_id": comm_id, "target_name": "moe-debugger", "data": {"version": 1}},
        )
        self.wait(lambda data: data["type"] == "state")

    def say(self, **message):
        self.notebook.send("comm_msg", {"comm_id": self.comm_id, "data": message})

    def wait(self, wanted, timeout=30):
        """The data and the buffers of the next message that is wanted, and when it came."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            message = self.notebook.next_of(self.is_ours, timeout)
            content = message["content"]
            heard = (content["data"], message["buffers"], 1000 * time.time())
            self.heard.append(heard)
            if content["data"]["type"] == "rows":
                # As a page that draws them: else the kernel waits.
                rows = content["data"]
                self.say(type="drawn", id=rows["rows"]["trace"], batch=rows["batch"])
            if wanted(content["data"]):
                return heard
        raise AssertionError("the panel heard nothing that was wanted")

    def is_ours(self, message):
        return message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == self.comm_id

    def running(self):
        """The first trace that is listed as in the making."""
        data, _, _ = self.wait(
            lambda data: data["type"] == "state" and any(t.get("running") for t in data["traces"])
        )
        return next(t for t in data["traces"] if t.get("running"))

    def finished(self, trace):
        """The summary of a trace that is no longer in the making."""
        data, _, _ = self.wait(
            lambda data: data["type"] == "state"
            and any(t["id"] == trace and not t.get("running") for t in data["traces"])
        )
        return next(t for t in data["traces"] if t["id"] == trace)

    def follow(self, trace):
        """The tokens so far; more come as `rows`."""
        self.say(type="get-trace", request=1, id=trace, follow=True)
        data, _, _ = self.wait(lambda data: data["type"] == "trace")
        return data["view"]["samples"][0]["tokens"]

    @property
    def rows(self):
        return [heard for heard in self.heard if heard[0]["type"] == "rows"]


@pytest.fixture
def loaded(new_notebook):
    new_notebook.ok(
        "import { loadModel } from 'moe-debugger';\n"
        f"const model = await loadModel({json.dumps(str(DEMO))});\n"
        "const session = model.session();"
    )
    return new_notebook


def selected_of(rows):
    """The experts of the first layer, from the message's buffers."""
    data, buffers, _ = rows
    assert data["rows"]["skipped"] == []
    at = data["bufferPaths"].index(["sample", "layers", 0, "selected", "data"])
    raw = bytes(buffers[at])
    return list(struct.unpack(f"<{len(raw) // 4}i", raw))


def test_rows_come_while_the_cell_runs_each_with_its_time(loaded):
    panel = Panel(loaded, "panel")
    cell = loaded.start(
        f"const written = await session.generate('def fib(n):', {{ maxNewTokens: {TOKENS}, {PAUSE} }});\n"
        "JSON.stringify({\n"
        "  id: written.trace.id,\n"
        "  ids: written.tokens.map(({ id }) => id),\n"
        "  steps: written.trace.steps.get('0'),\n"
        "  selected: [...written.trace.samples[0].layers[0].selected],\n"
        "  topK: written.trace.samples[0].layers[0].topK,\n"
        "  events: session.events.filter(({ layerIdx }) => layerIdx === 0)\n"
        "    .map(({ timestamp, phase, stepTime }) => [timestamp, phase, stepTime])\n"
        "})"
    )
    running = panel.running()
    before = panel.follow(running["id"])
    panel.finished(running["id"])
    told = json.loads(loaded.finish(cell).result)

    rows = panel.rows
    assert len(rows) > 3
    fresh = [token for data, _, _ in rows for token in data["rows"]["sample"]["tokens"]]
    # 6 tokens of the prompt, then all that was written, without a gap.
    assert [token["id"] for token in [*before, *fresh]][6:] == told["ids"]
    assert len(told["ids"]) == TOKENS
    known = told["topK"] * len(before)
    assert [expert for own in rows for expert in selected_of(own)] == told["selected"][known:]

    assert [step["phase"] for step in told["steps"]] == ["prefill"] + ["decode"] * TOKENS
    assert [step["tokens"] for step in told["steps"]] == [6] + [1] * TOKENS
    times = [step["timestamp"] for step in told["steps"]]
    assert times == sorted(set(times))
    assert told["events"] == [
        [step["timestamp"], step["phase"], step["milliseconds"]]
        for step in told["steps"]
        for _ in range(step["tokens"])
    ]
    # The message was here soon after its newest step; a loaded machine may be late now and then.
    late = sorted(came - data["rows"]["steps"][-1]["timestamp"] for data, _, came in rows)
    assert late[len(late) // 2] < 100


def test_a_panel_that_comes_in_the_middle_gets_all(loaded):
    cell = loaded.start(
        "console.log('begun');\n"
        f"await session.generate('def fib(n):', {{ maxNewTokens: 40, {PAUSE} }}); undefined"
    )
    loaded.wait_for("stream", cell)
    time.sleep(0.5)
    panel = Panel(loaded, "late")
    state = next(data for data, _, _ in panel.heard if data["type"] == "state")
    (running,) = [t for t in state["traces"] if t.get("running")]
    before = panel.follow(running["id"])
    assert len(before) > 7
    summary = panel.finished(running["id"])
    fresh = [token for data, _, _ in panel.rows for token in data["rows"]["sample"]["tokens"]]
    positions = [token["position"] for token in [*before, *fresh]]
    assert positions == list(range(len(positions)))
    assert summary["coverage"]["tokens"] == 46 == len(positions)
    loaded.finish(cell)


def test_an_interrupt_keeps_the_tokens_so_far(loaded):
    panel = Panel(loaded, "panel")
    cell = loaded.start(
        f"await session.generate('def fib(n):', {{ maxNewTokens: 1000, {PAUSE} }})"
    )
    running = panel.running()
    panel.follow(running["id"])
    panel.wait(lambda data: data["type"] == "rows")
    panel.wait(lambda data: data["type"] == "rows")
    loaded.interrupt()
    assert loaded.finish(cell).reply["status"] == "error"
    summary = panel.finished(running["id"])
    assert 8 <= summary["coverage"]["tokens"] < 1000
    kept = json.loads(loaded.ok("JSON.stringify(session.summary)").result)
    assert kept["tokens"] == summary["coverage"]["tokens"]
    # The model can be used again at once.
    assert loaded.ok("(await session.generate('a', { maxNewTokens: 2 })).tokens.length").result == "2"


def test_two_generations_at_once_are_two_traces(loaded):
    panel = Panel(loaded, "panel")
    cell = loaded.start(
        "const [one, other] = await Promise.all(['def fib(n):', 'the cat'].map(prompt =>\n"
        f"  session.generate(prompt, {{ maxNewTokens: 60, {PAUSE} }})));\n"
        "JSON.stringify([one, other].map(({ trace }) => trace.id))"
    )
    data, _, _ = panel.wait(
        lambda data: data["type"] == "state"
        and sum(bool(t.get("running")) for t in data["traces"]) == 2
    )
    ids = [t["id"] for t in data["traces"]]
    for trace in ids:
        panel.follow(trace)
    panel.wait(lambda _: {own["rows"]["trace"] for own, _, _ in panel.rows} == set(ids))
    told = json.loads(loaded.finish(cell).result)
    assert sorted(told) == sorted(ids)
    data, _, _ = panel.wait(
        lambda data: data["type"] == "state" and not any(t.get("running") for t in data["traces"])
    )
    assert sorted(t["id"] for t in data["traces"]) == sorted(ids)


def test_a_kernel_that_dies_in_the_middle_takes_the_trace_with_it(loaded):
    panel = Panel(loaded, "panel")
    loaded.start(f"await session.generate('def fib(n):', {{ maxNewTokens: 1000, {PAUSE} }})")
    panel.follow(panel.running()["id"])
    panel.wait(lambda data: data["type"] == "rows")
    os.kill(loaded.manager.provisioner.process.pid, signal.SIGKILL)
    loaded.manager.restart_kernel(now=True)
    loaded.client.wait_for_ready(timeout=60)
    state = next(data for data, _, _ in Panel(loaded, "next").heard if data["type"] == "state")
    assert state["traces"] == []


def test_hostile_messages_are_refused_and_do_no_harm(loaded):
    panel = Panel(loaded, "panel")
    for message in (
        {"type": "drawn", "id": "x"},
        {"type": "drawn", "id": 5, "batch": 1},
        {"type": "drawn", "id": "x", "batch": -1},
        {"type": "unfollow"},
        {"type": "get-trace", "request": 1, "id": "x", "follow": "yes"},
    ):
        panel.say(**message)
        data, _, _ = panel.wait(lambda data: data["type"] == "error")
        assert data["message"]
    # Of a trace that is not followed: nothing to answer.
    panel.say(type="drawn", id="x", batch=1)
    panel.say(type="unfollow", id="__proto__")
    panel.say(type="subscribe")
    panel.wait(lambda data: data["type"] == "state")
