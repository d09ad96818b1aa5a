"""Rich results and displays."""

KERNEL = (
    "const kernel = (globalThis as any)[Symbol.for('moe-debugger.kernel.v1')];\n"
)


def test_a_result_shows_its_own_mime_bundle(notebook):
    cell = notebook.ok(
        "({ [Symbol.for('Jupyter.mimebundle')]: () => ({ 'text/html': '<b>x</b>', 'text/plain': 'x' }) })"
    )
    assert cell.contents("execute_result")[0]["data"] == {
        "text/html": "<b>x</b>",
        "text/plain": "x",
    }


def test_a_bundle_that_is_a_promise_comes_before_the_reply(notebook):
    cell = notebook.ok(
        "({ async [Symbol.for('Jupyter.mimebundle')]() {\n"
        "  await new Promise(done => setTimeout(done, 20));\n"
        "  console.log('while drawing');\n"
        "  return { 'image/png': new Uint8Array([1, 2, 3]), 'text/plain': 'png' };\n"
        "} })"
    )
    assert cell.types[2:] == ["stream", "execute_result", "status"]
    assert cell.contents("execute_result")[0]["data"]["image/png"] == "AQID"


def test_a_bundle_that_fails_is_the_error_of_the_cell(notebook):
    cell = notebook.run(
        "({ async [Symbol.for('Jupyter.mimebundle')]() { throw new RangeError('cannot draw'); } })"
    )
    assert cell.error["ename"] == "RangeError"
    cell = notebook.run("({ [Symbol.for('Jupyter.mimebundle')]: () => 'text' })")
    assert "MIME bundle" in cell.error["evalue"]
    cell = notebook.run("({ [Symbol.for('Jupyter.mimebundle')]: () => ({ n: 1n }) })")
    assert cell.error["ename"] == "TypeError"


def test_a_bundle_that_never_settles_can_be_interrupted(notebook):
    running = notebook.start(
        "({ [Symbol.for('Jupyter.mimebundle')]: () => { console.log('drawing'); return new Promise(() => undefined); } })"
    )
    notebook.wait_for("stream", running)
    notebook.interrupt()
    assert notebook.finish(running).reply["ename"] == "Interrupted"


def test_displays_are_updated_in_place(notebook):
    cell = notebook.ok(
        KERNEL + "kernel.publishDisplay({ 'text/plain': 'one' }, { displayId: 'd1' });\n"
        "kernel.publishDisplay({ 'text/plain': 'two' }, { displayId: 'd1', update: true, metadata: { isolated: true } });"
    )
    assert cell.contents("display_data") == [
        {
            "data": {"text/plain": "one"},
            "metadata": {},
            "transient": {"display_id": "d1"},
        }
    ]
    assert cell.contents("update_display_data") == [
        {
            "data": {"text/plain": "two"},
            "metadata": {"isolated": True},
            "transient": {"display_id": "d1"},
        }
    ]


def test_the_display_of_tslab_works(notebook):
    cell = notebook.ok(
        "import * as tslab from 'tslab';\n"
        "const slot = tslab.newDisplay(); slot.html('<b>1</b>'); slot.html('<b>2</b>');\n"
        "tslab.display.png(new Uint8Array([1, 2, 3]));"
    )
    first, picture = cell.contents("display_data")
    (second,) = cell.contents("update_display_data")
    assert first["data"] == {"text/html": "<b>1</b>"}
    assert second["data"] == {"text/html": "<b>2</b>"}
    assert first["transient"] == second["transient"]
    assert picture["data"] == {"image/png": "AQID"}


def test_console_table_is_an_output_that_does_not_wrap(notebook):
    cell = notebook.ok(
        "console.log('before'); console.table([{ a: '<img src=x>', b: 1.25 }, { a: 'x'.repeat(200) }], ['a']);"
        " console.log('after'); console.table('no table');"
    )
    assert cell.types[2:] == ["stream", "display_data", "stream", "status"]
    data = cell.contents("display_data")[0]["data"]
    lines = data["text/plain"].split("\n")
    # As Node prints it: frames of equal width around the heads and the two rows.
    assert len(lines) == 6
    assert {len(line) for line in lines} == {len(lines[0])}
    assert "(index)" in lines[1] and "<img src=x>" in lines[3] and "1.25" not in data["text/plain"]
    html = data["text/html"]
    assert "&lt;img src=x&gt;" in html and "<img" not in html
    assert "white-space: pre" in html and "overflow-x: auto" in html
    assert [stream["text"] for stream in cell.contents("stream")] == ["before\n", "after\nno table\n"]
