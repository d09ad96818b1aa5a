"""Widgets, as a front end sees them: the messages of protocol 2.1."""

import json

import pytest
from conftest import PACKAGE

WIDGETS = json.dumps(str(PACKAGE / "lib" / "show" / "widgets" / "widget.js"))


@pytest.fixture(scope="module")
def slider(notebook):
    """The model id of a slider with some bytes in its state."""
    opener = notebook.start(
        f"const {{ DOMWidget, Widget }} = require({WIDGETS});\n"
        "const slider = new DOMWidget(\n"
        "  { model: 'IntSliderModel', view: 'IntSliderView', module: '@jupyter-widgets/controls', version: '2.0.0' },\n"
        "  { value: 3, max: 10, bytes: new Uint8Array([1, 2]) });\n"
        "slider.observe('value', (value: number, previous: number) => console.log(previous, '->', value));\n"
        "slider.onCustom((content: any, buffers: any[]) => slider.send({ got: content }, buffers));\n"
        "slider"
    )
    cell = notebook.finish(opener)
    assert cell.reply["status"] == "ok", cell.reply
    notebook.opener = opener
    notebook.opened = {
        m["content"]["comm_id"]: m for m in cell.messages if m["msg_type"] == "comm_open"
    }
    view = cell.contents("execute_result")[0]["data"]["application/vnd.jupyter.widget-view+json"]
    return view["model_id"]


def send(notebook, model_id, data, buffers=None):
    sent = notebook.send("comm_msg", {"comm_id": model_id, "data": data}, buffers=buffers)
    return notebook.until_idle(sent)


def states(messages, method):
    return [
        m for m in messages
        if m["msg_type"] == "comm_msg" and m["content"]["data"].get("method") == method
    ]


def test_a_widget_opens_with_its_state(notebook, slider):
    message = notebook.opened[slider]
    assert message["content"]["target_name"] == "jupyter.widget"
    assert message["metadata"] == {"version": "2.1.0"}
    state = message["content"]["data"]["state"]
    assert (state["_model_name"], state["_view_name"]) == ("IntSliderModel", "IntSliderView")
    assert (state["_model_module"], state["value"], state["max"]) == ("@jupyter-widgets/controls", 3, 10)
    assert message["content"]["data"]["buffer_paths"] == [["bytes"]]
    assert [bytes(b) for b in message["buffers"]] == [b"\x01\x02"]
    layout = state["layout"].removeprefix("IPY_MODEL_")
    assert notebook.opened[layout]["content"]["data"]["state"]["_model_name"] == "LayoutModel"


def test_an_update_is_echoed_under_its_own_message_and_observed(notebook, slider):
    messages = send(notebook, slider, {"method": "update", "state": {"value": 5}, "buffer_paths": []})
    # A front end ignores an echo whose parent is not the update that it has sent.
    (echo,) = states(messages, "echo_update")
    assert echo["content"]["data"]["state"] == {"value": 5}
    assert notebook.wait_for("stream", notebook.opener)["content"]["text"] == "3 -> 5\n"
    assert notebook.ok("slider.get('value')").result == "5"


def test_binary_state_is_updated_and_echoed(notebook, slider):
    messages = send(
        notebook, slider, {"method": "update", "state": {}, "buffer_paths": [["bytes"]]}, buffers=[b"\x07\x08\x09"]
    )
    (echo,) = states(messages, "echo_update")
    assert echo["content"]["data"]["buffer_paths"] == [["bytes"]]
    assert [bytes(b) for b in echo["buffers"]] == [b"\x07\x08\x09"]
    assert notebook.ok("Array.from(slider.get('bytes')).join()").result == "7,8,9"


def test_the_kernel_sends_what_changed_and_no_more(notebook, slider):
    cell = notebook.ok("await slider.set({ value: 8, max: 10 });")
    (update,) = states(cell.messages, "update")
    assert update["content"]["data"] == {"method": "update", "state": {"value": 8}, "buffer_paths": []}
    assert states(notebook.ok("await slider.set({ value: 8 });").messages, "update") == []


def test_state_is_sent_on_request(notebook, slider):
    (update,) = states(send(notebook, slider, {"method": "request_state"}), "update")
    assert update["content"]["data"]["state"]["max"] == 10
    assert update["content"]["data"]["buffer_paths"] == [["bytes"]]


def test_custom_messages_travel_both_ways(notebook, slider):
    send(notebook, slider, {"method": "custom", "content": {"n": 1}}, buffers=[b"x"])
    # Sent by a callback, which speaks for the cell that registered it.
    answer = notebook.wait_for("comm_msg", notebook.opener)
    assert answer["content"]["data"]["content"] == {"got": {"n": 1}}
    assert [bytes(b) for b in answer["buffers"]] == [b"x"]


def test_hostile_updates_are_refused(notebook, slider):
    for data in (
        {"method": "update"},
        {"method": "update", "state": {"value": 1}, "buffer_paths": [["value", "x"]]},
        {"method": "update", "state": {}, "buffer_paths": [["__proto__", "polluted"]]},
    ):
        send(notebook, slider, data, buffers=[b"x"])
    send(notebook, slider, {"method": "update", "state": {"not_mine": 1}, "buffer_paths": []})
    assert notebook.ok("[slider.get('not_mine'), ({} as any).polluted].join()").result == ","


def test_a_reloaded_page_gets_all_widgets_from_the_control_comm(notebook, slider):
    opened = notebook.send(
        "comm_open", {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}}
    )
    notebook.until_idle(opened)
    (update,) = states(send(notebook, "control", {"method": "request_states"}), "update_states")
    data = update["content"]["data"]
    entry = data["states"][slider]
    assert (entry["model_name"], entry["model_module"], entry["model_module_version"]) == (
        "IntSliderModel",
        "@jupyter-widgets/controls",
        "2.0.0",
    )
    assert entry["state"]["layout"].removeprefix("IPY_MODEL_") in data["states"]
    assert [slider, "state", "bytes"] in data["buffer_paths"]
    assert len(update["buffers"]) == len(data["buffer_paths"])


def test_closing_a_widget_closes_its_layout(notebook):
    cell = notebook.ok(
        "const closing = new DOMWidget({ model: 'M', view: 'V' }, {}); closing.close(); closing.close(); closing.closed"
    )
    assert cell.result == "true"
    assert len(cell.contents("comm_close")) == 2
