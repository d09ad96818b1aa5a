"""Comms, in both directions, with binary buffers."""

import os

import pytest

KERNEL = (
    "const kernel = (globalThis as any)[Symbol.for('moe-debugger.kernel.v1')];\n"
)


@pytest.fixture(scope="module")
def echoing(notebook):
    """A kernel whose target `echo` sends back what it gets; the id of the cell that registered it."""
    cell = notebook.start(
        KERNEL + "kernel.registerTarget('echo', (comm: any, open: any) => {\n"
        "  comm.send({ opened: open.data }, { buffers: open.buffers });\n"
        "  comm.onMessage(async ({ data, metadata, buffers }: any) => {\n"
        "    await new Promise(done => setTimeout(done, data.delay ?? 0));\n"
        "    if (data.print) { console.log(data.print); }\n"
        "    if (data.fail) { throw new Error(data.fail); }\n"
        "    comm.send({ echo: data }, { metadata, buffers });\n"
        "  });\n"
        "  comm.onClose(() => console.log('closed'));\n"
        "});"
    )
    notebook.finish(cell)
    notebook.registered_by = cell
    return notebook


def comm_messages(messages, msg_type="comm_msg"):
    return [m for m in messages if m["msg_type"] == msg_type]


def open_comm(notebook, comm_id, target="echo", data=None, buffers=None):
    opened = notebook.send(
        "comm_open",
        {"comm_id": comm_id, "target_name": target, "data": data or {}},
        buffers=buffers,
    )
    return notebook.until_idle(opened)


def send(notebook, comm_id, data, buffers=None, metadata=None):
    sent = notebook.send(
        "comm_msg", {"comm_id": comm_id, "data": data}, buffers=buffers, metadata=metadata
    )
    return notebook.until_idle(sent)


def binary(message):
    return [bytes(buffer) for buffer in message["buffers"]]


def test_buffers_travel_both_ways(echoing):
    (hello,) = comm_messages(open_comm(echoing, "b1", data={"n": 1}, buffers=[b"\x00\xff", b""]))
    assert hello["content"] == {"comm_id": "b1", "data": {"opened": {"n": 1}}}
    assert binary(hello) == [b"\x00\xff", b""]
    big = os.urandom(10 * 1024 * 1024)
    (echo,) = comm_messages(
        send(echoing, "b1", {"a": [None, "\u00e9"]}, buffers=[big, b"x" * 200], metadata={"m": 1})
    )
    assert echo["content"]["data"] == {"echo": {"a": [None, "\u00e9"]}}
    assert echo["metadata"] == {"m": 1}
    assert binary(echo) == [big, b"x" * 200]


def test_a_buffer_may_be_changed_after_it_was_sent(notebook):
    cell = notebook.ok(
        KERNEL + "const bytes = new Uint8Array(1000).fill(1);\n"
        "const changing = kernel.openComm('front-end', {}, { buffers: [bytes, bytes.subarray(10, 12)] });\n"
        "bytes.fill(2);\n"
        "changing.send({}, { buffers: [new Float32Array([1.5])] }); changing.close({ why: 'done' });"
    )
    (opened,) = comm_messages(cell.messages, "comm_open")
    assert opened["content"]["target_name"] == "front-end"
    assert binary(opened) == [b"\x01" * 1000, b"\x01\x01"]
    (sent,) = comm_messages(cell.messages)
    assert binary(sent) == [b"\x00\x00\xc0\x3f"]
    (closed,) = comm_messages(cell.messages, "comm_close")
    assert closed["content"]["data"] == {"why": "done"}


def test_a_kernel_comm_hears_the_front_end(notebook):
    opener = notebook.start(
        KERNEL + "const mine = kernel.openComm('front-end', {}, { commId: 'mine' });\n"
        "mine.onMessage(({ data }: any) => console.log('heard', data.word)); undefined"
    )
    notebook.finish(opener)
    assert send(notebook, "mine", {"word": "hello"})[-1]["content"] == {"execution_state": "idle"}
    # Under the cell that registered the callback: the front end shows nothing under a comm message.
    assert notebook.wait_for("stream", opener)["content"]["text"] == "heard hello\n"


def test_more_than_512_comm_messages_in_one_tick(notebook):
    cell = notebook.ok(
        KERNEL + "const many = kernel.openComm('front-end', {});\n"
        "for (let i = 0; i < 2000; i++) { many.send({ i }); }"
    )
    assert [m["content"]["data"]["i"] for m in comm_messages(cell.messages)] == list(range(2000))


def test_idle_comes_after_the_callback_has_settled(echoing):
    open_comm(echoing, "i1")
    messages = send(echoing, "i1", {"delay": 30})
    assert [m["msg_type"] for m in messages] == ["status", "comm_msg", "status"]


def test_messages_of_one_comm_keep_their_order(echoing):
    open_comm(echoing, "o1")
    slow = echoing.send("comm_msg", {"comm_id": "o1", "data": {"delay": 50, "n": 1}})
    fast = echoing.send("comm_msg", {"comm_id": "o1", "data": {"n": 2}})
    assert len(comm_messages(echoing.until_idle(slow))) == 1
    assert len(comm_messages(echoing.until_idle(fast))) == 1


def test_comms_are_served_while_a_cell_waits_and_the_cell_stays_busy(echoing):
    open_comm(echoing, "w1")
    waiting = echoing.start(
        KERNEL + "let release = (): void => undefined;\n"
        "kernel.registerTarget('release', () => release());\n"
        "console.log(kernel.isBusy());\n"
        "await new Promise<void>(done => { release = done; });"
    )
    echoing.wait_for("stream", waiting)
    (echo,) = comm_messages(send(echoing, "w1", {"n": 1}))
    assert echo["content"]["data"] == {"echo": {"n": 1}}
    # Said again after the comm's `idle`, which a front end would take for the end of the cell.
    assert echoing.wait_for("status", waiting)["content"] == {"execution_state": "busy"}
    open_comm(echoing, "release-1", target="release")
    assert echoing.finish(waiting).reply["status"] == "ok"


def test_a_failing_callback_is_shown_under_its_cell_and_the_comm_lives_on(echoing):
    open_comm(echoing, "f1")
    send(echoing, "f1", {"fail": "on purpose"})
    shown = echoing.wait_for("stream", echoing.registered_by)
    assert shown["content"]["name"] == "stderr"
    assert "Error in a comm callback: Error: on purpose" in shown["content"]["text"]
    assert len(comm_messages(send(echoing, "f1", {"n": 1}))) == 1


def test_unknown_targets_are_closed_and_unknown_comms_ignored(notebook):
    (closed,) = comm_messages(open_comm(notebook, "u1", target="nobody"), "comm_close")
    assert closed["content"]["comm_id"] == "u1"
    assert [m["msg_type"] for m in send(notebook, "never-opened", {})] == ["status", "status"]


def test_a_target_that_throws_closes_its_comm(notebook):
    notebook.ok(KERNEL + "kernel.registerTarget('throws', () => { throw new Error('no'); });")
    assert comm_messages(open_comm(notebook, "t1", target="throws"), "comm_close")
    assert "t1" not in notebook.request("comm_info_request", {})["comms"]


def test_comm_info_lists_what_is_open(echoing):
    open_comm(echoing, "c1")
    reply = echoing.request("comm_info_request", {"target_name": "echo"})
    assert reply["status"] == "ok"
    assert reply["comms"]["c1"] == {"target_name": "echo"}
    assert echoing.request("comm_info_request", {"target_name": "other"})["comms"] == {}
    closed = echoing.send("comm_close", {"comm_id": "c1", "data": {}})
    echoing.until_idle(closed)
    assert "c1" not in echoing.request("comm_info_request", {})["comms"]


def test_the_session_target_is_served(notebook):
    opened = open_comm(notebook, "panel", target="moe-debugger", data={"version": 1})
    assert comm_messages(opened)[0]["content"]["data"]["type"] == "hello"
