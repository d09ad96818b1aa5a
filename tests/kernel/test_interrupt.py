"""Interrupts reach everything that a cell can be doing, and leave a kernel that works."""

import pytest

KERNEL = (
    "const kernel = (globalThis as any)[Symbol.for('moe-debugger.kernel.v1')];\n"
)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("console.log('running'); while (true) {}", id="loop"),
        pytest.param(
            "console.log('running'); await null; while (true) {}",
            id="loop after a microtask",
        ),
        pytest.param(
            "console.log('running'); await new Promise(done => setTimeout(done, 5)); while (true) {}",
            id="loop after a timer",
        ),
        pytest.param(
            "async function deep(): Promise<void> { try { await null; while (true) {} } finally { await null; } }\n"
            "console.log('running'); await deep();",
            id="loop in a function that awaits",
        ),
        pytest.param(
            "console.log('running'); while (true) { try { JSON.parse('['); } catch {} }",
            id="loop that catches everything",
        ),
        pytest.param(
            "console.log('running'); await new Promise(() => undefined)",
            id="promise that never settles",
        ),
        pytest.param(
            "setTimeout(() => { while (true) {} }, 1); console.log('running'); await new Promise(() => undefined)",
            id="loop in a timer",
        ),
        pytest.param(
            "process.nextTick(() => { console.log('running'); while (true) {} }); await new Promise(() => undefined)",
            id="loop in nextTick",
        ),
        pytest.param(
            "console.log('running'); /(a+)+$/.test('a'.repeat(40) + 'b')",
            id="regular expression",
        ),
    ],
)
def test_a_running_cell_is_interrupted(notebook, code):
    notebook.ok("const kept = 'kept'")
    running = notebook.start(code)
    notebook.wait_for("stream", running)
    notebook.interrupt()
    cell = notebook.finish(running)
    assert cell.reply["ename"] == "Interrupted"
    assert cell.error["traceback"] == ["Interrupted: stopped by an interrupt request"]
    assert notebook.ok("kept").result == "kept"
    assert notebook.ok("await Promise.resolve('still async')").result == "still async"


def test_an_interrupt_aborts_the_cells_that_wait(notebook):
    running = notebook.start("console.log('running'); while (true) {}")
    queued = notebook.start("1")
    notebook.wait_for("stream", running)
    notebook.interrupt()
    assert notebook.finish(running).reply["status"] == "error"
    assert notebook.finish(queued).reply["status"] == "aborted"


def test_an_interrupt_with_nothing_to_stop_does_no_harm(notebook):
    assert notebook.request("interrupt_request", {}, channel="control") == {
        "status": "ok"
    }
    assert notebook.ok("'next'").result == "next"


def test_many_interrupts_at_once(notebook):
    running = notebook.start("console.log('running'); await null; while (true) {}")
    notebook.wait_for("stream", running)
    sent = [
        notebook.send("interrupt_request", {}, channel="control") for _ in range(5)
    ]
    for msg_id in sent:
        assert notebook.finish(msg_id, channel="control").reply == {"status": "ok"}
    assert notebook.finish(running).reply["ename"] == "Interrupted"
    assert notebook.ok("'next'").result == "next"


def test_compiling_is_not_cut_short(notebook):
    # An interrupt while the compiler runs must not leave it in a broken state.
    source = "\n".join(f"const v{i}: {{ n: number }} = {{ n: {i} }};" for i in range(2000))
    running = notebook.start(source)
    notebook.wait_for("execute_input", running)
    notebook.interrupt()
    notebook.finish(running)
    assert notebook.ok("const next: number = 1;\nnext").result == "1"


def test_long_work_is_told(notebook):
    running = notebook.start(
        KERNEL + "const controller = new AbortController();\n"
        "const forget = kernel.onInterrupt(() => controller.abort());\n"
        "kernel.onInterrupt(() => { throw new Error('a faulty callback'); });\n"
        "console.log('running');\n"
        "await new Promise(done => controller.signal.addEventListener('abort', done));"
    )
    notebook.wait_for("stream", running)
    notebook.interrupt()
    assert notebook.finish(running).reply["ename"] == "Interrupted"
    assert notebook.ok("controller.signal.aborted").result == "true"
    assert notebook.ok("forget(); 'gone'").result == "gone"


def test_a_comm_callback_is_interrupted_and_its_comm_lives_on(notebook):
    notebook.ok(
        KERNEL + "kernel.registerTarget('stuck', (comm: any) => comm.onMessage((message: any) => {\n"
        "  if (message.data.loop) { console.log('looping'); while (true) {} }\n"
        "  if (message.data.wait) { console.log('waiting'); return new Promise(() => undefined); }\n"
        "  comm.send({ echo: message.data.n });\n"
        "}));"
    )
    cell = notebook.start("undefined")
    notebook.finish(cell)
    opened = notebook.send("comm_open", {"comm_id": "s1", "target_name": "stuck", "data": {}})
    notebook.until_idle(opened)
    for request in ({"loop": True}, {"wait": True}):
        stuck = notebook.send("comm_msg", {"comm_id": "s1", "data": request})
        waiting = notebook.send("comm_msg", {"comm_id": "s1", "data": {"n": 7}})
        notebook.until(lambda m: m["msg_type"] == "status", parent=stuck)
        # The callback prints under the cell that registered it; here it only has to have begun.
        notebook.interrupt()
        notebook.until_idle(stuck)
        echoed = notebook.until_idle(waiting)
        assert [m["content"]["data"] for m in echoed if m["msg_type"] == "comm_msg"] == [
            {"echo": 7}
        ]
