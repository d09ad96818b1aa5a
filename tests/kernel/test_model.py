"""A real model in a real kernel: what a notebook and the side panel see of it."""

import json
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "models" / "demo"
VIEW = "application/vnd.moe-debugger.v1+json"


@pytest.fixture(scope="module")
def loaded(notebook):
    """A notebook in which the demo model is `model` and a trace of it `trace`."""
    notebook.ok(
        "import { loadModel } from 'moe-debugger';\n"
        f"const model = await loadModel({json.dumps(str(DEMO))});\n"
        "const trace = await model.trace('def fib(n):');"
    )
    return notebook


def test_a_model_shows_its_card(loaded):
    text = loaded.ok("model").result
    assert "6 of 6 layers are MoE" in text
    assert "top-2 of 8" in text


def test_a_trace_shows_itself_in_every_form(loaded):
    (shown,) = loaded.ok("trace").contents("execute_result")
    data = shown["data"]
    assert set(data) == {VIEW, "application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"}
    assert data[VIEW]["view"] == "explorer"
    assert len(data[VIEW]["samples"][0]["layers"]) == 6
    assert data["application/vnd.vegalite.v5+json"]["$schema"].endswith("v5.json")
    assert data["image/svg+xml"].startswith("<svg")


def test_an_explorer_follows_the_slider_in_the_page(loaded):
    opener = loaded.start(
        "const explorer = trace.explorer({ layerIndex: 1 });\n"
        "explorer.onLayerChange(index => console.log('layer', index));\n"
        "explorer"
    )
    cell = loaded.finish(opener)
    assert cell.reply["status"] == "ok", cell.reply
    (shown,) = cell.contents("execute_result")
    model_id = shown["data"][VIEW]["widget"]
    assert shown["data"][VIEW]["state"] == {"layerIndex": 1, "measure": "weight"}
    # The output has the routing in it; its widget does not hold it a second time.
    (state,) = [
        c["data"]["state"] for c in cell.contents("comm_open") if c["comm_id"] == model_id
    ]
    assert state["layer_index"] == 1
    assert state["view_document"] is None

    for index, expected in ((4, "4"), (99, "4"), ("x", "4")):
        update = {"method": "update", "state": {"layer_index": index}, "buffer_paths": []}
        sent = loaded.send("comm_msg", {"comm_id": model_id, "data": update})
        loaded.until_idle(sent)
        assert loaded.ok("explorer.layerIndex").result == expected
    assert loaded.wait_for("stream", opener)["content"]["text"] == "layer 4\n"


def test_a_panel_is_told_of_models_and_traces(loaded):
    opened = loaded.send(
        "comm_open", {"comm_id": "panel", "target_name": "moe-debugger", "data": {"version": 1}}
    )
    messages = [m["content"]["data"] for m in loaded.until_idle(opened) if m["msg_type"] == "comm_msg"]
    hello, state = messages
    assert (hello["type"], hello["version"]) == ("hello", 1)
    assert [m["name"] for m in state["models"]] == ["demo"]
    assert state["traces"][0]["label"] == "def fib(n):"

    wanted = {"type": "get-trace", "request": 7, "id": state["traces"][0]["id"]}
    sent = loaded.send("comm_msg", {"comm_id": "panel", "data": wanted})
    (answer,) = [m for m in loaded.until_idle(sent) if m["msg_type"] == "comm_msg"]
    data = answer["content"]["data"]
    assert (data["type"], data["request"]) == ("trace", 7)
    # Logits, experts and weights of six layers, as buffers.
    assert len(answer["buffers"]) == len(data["bufferPaths"]) == 18

    unknown = loaded.send("comm_msg", {"comm_id": "panel", "data": {"type": "get-trace", "request": 8, "id": "no"}})
    (answer,) = [m for m in loaded.until_idle(unknown) if m["msg_type"] == "comm_msg"]
    assert answer["content"]["data"]["type"] == "error"
    assert answer["content"]["data"]["request"] == 8


def test_a_cell_is_interrupted_while_a_forward_runs(loaded):
    ids = "Array.from({ length: 500 }, (_, i) => i)"
    running = loaded.start(f"console.log('running'); while (true) {{ await model.trace({ids}); }}")
    loaded.wait_for("stream", running)
    loaded.interrupt()
    cell = loaded.finish(running)
    assert cell.reply["status"] == "error"
    # The session was not lost with the cell.
    again = loaded.ok("(await model.trace('def fib(n):')).coverage.slots === trace.coverage.slots")
    assert again.result == "true"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("await loadModel('nowhere')", "no such model"),
        ("await model.trace('')", "the prompt is empty"),
        ("await model.trace([1, 99999])", "ids run from 0 to 2047"),
        ("await model.trace(Array(600).fill(1))", "context is 512"),
        ("trace.layer(17)", "there are layer 0, layer 1"),
        ("trace.explorer({ layerIndex: 6 })", "from 0 to 5"),
    ],
)
def test_a_mistake_is_said_in_words_and_the_kernel_lives(loaded, code, message):
    cell = loaded.run(code)
    assert cell.reply["status"] == "error"
    assert message in cell.error["evalue"]
    assert loaded.ok("1 + 1").result == "2"


def test_progress_of_long_work_can_be_shown(loaded):
    cell = loaded.ok(
        "await model.trace([[1, 2], [3]], { onProgress: ({ done, total }) => console.log(done, total) });"
    )
    assert cell.stdout == "1 2\n2 2\n"
