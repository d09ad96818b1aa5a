"""Requests about code and about the kernel."""

import pytest


def test_kernel_info(notebook):
    reply = notebook.request("kernel_info_request", {})
    assert reply["status"] == "ok"
    assert reply["language_info"]["name"] == "typescript"
    assert reply["language_info"]["file_extension"] == ".ts"
    assert reply == notebook.request("kernel_info_request", {}, channel="control")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("const a = 1", {"status": "complete"}),
        ("function f() {", {"status": "incomplete", "indent": "  "}),
    ],
)
def test_is_complete(notebook, code, expected):
    assert notebook.request("is_complete_request", {"code": code}) == expected


def complete(notebook, code, cursor=None):
    cursor = len(code) if cursor is None else cursor
    return notebook.request("complete_request", {"code": code, "cursor_pos": cursor})


def test_completion_knows_earlier_cells_and_types(notebook):
    notebook.ok("const tokens = { position: 1, text: 'a' };")
    reply = complete(notebook, "tokens.po")
    assert reply["matches"] == ["position"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (7, 9)
    assert reply["metadata"]["_jupyter_types_experimental"] == [
        {"text": "position", "type": "property", "start": 7, "end": 9}
    ]


def test_cursors_count_characters_as_jupyter_does(notebook):
    # An emoji is one character for Jupyter and two for JavaScript.
    code = "const s = '\U0001f600'; s.leng"
    reply = complete(notebook, code)
    assert reply["matches"] == ["length"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == "leng"
    found = notebook.request("inspect_request", {"code": code.replace("leng", "length"), "cursor_pos": len(code)})
    assert "length" in found["data"]["text/plain"]


def test_inspection_shows_signature_and_documentation(notebook):
    code = "/** Doubles a number. */\nfunction twice(n: number): number { return 2 * n; }\ntwice"
    reply = notebook.request("inspect_request", {"code": code, "cursor_pos": len(code)})
    assert reply["found"]
    assert "function twice(n: number): number" in reply["data"]["text/plain"]
    assert "Doubles a number." in reply["data"]["text/plain"]
    empty = notebook.request("inspect_request", {"code": " ", "cursor_pos": 0})
    assert (empty["found"], empty["data"]) == (False, {})


def test_history(notebook):
    notebook.ok("'remembered'")
    notebook.ok("'not this one'", store_history=False)
    notebook.ok("'last'")
    tail = notebook.request("history_request", {"hist_access_type": "tail", "n": 2})
    assert [entry[2] for entry in tail["history"]] == ["'remembered'", "'last'"]
    found = notebook.request(
        "history_request", {"hist_access_type": "search", "pattern": "*remember*"}
    )
    assert [entry[2] for entry in found["history"]] == ["'remembered'"]


def test_requests_that_it_does_not_know_are_answered(notebook):
    reply = notebook.request("debug_request", {}, channel="control")
    assert (reply["status"], reply["ename"]) == ("error", "UnsupportedRequest")
    assert notebook.ok("'alive'").result == "alive"


# Node's typings are hoisted by npm, out of the place where tslab looks for them.


def test_node_is_typed_in_any_folder(notebook):
    assert notebook.ok("import { join } from 'path';\njoin('a', 'b')").result == "a/b"
    assert "number" in notebook.run("const text: string = process.pid;").error["evalue"]


def test_our_package_is_typed_in_any_folder(notebook):
    notebook.ok("import { MoEDebuggerError } from 'moe-debugger';")
    assert notebook.ok("new MoEDebuggerError('input', 'x') instanceof Error").result == "true"
    assert "code" in complete(notebook, "new MoEDebuggerError('input', 'x').co")["matches"]
    cell = notebook.run("new MoEDebuggerError('no such code', 'x')")
    assert cell.error["ename"] == "TypeScriptError"
    assert "'\"no such code\"' is not assignable to parameter of type 'ErrorCode'" in cell.error["evalue"]


def test_entry_points_of_our_package_are_typed_too(notebook):
    cell = notebook.ok("import { COMM_TARGET } from 'moe-debugger/protocol';\nCOMM_TARGET")
    assert cell.result == "moe-debugger"
    assert notebook.run("import { nothing } from 'moe-debugger/protocol';").error["ename"] == "TypeScriptError"


def test_a_package_of_the_same_name_in_the_folder_does_not_stand_in(new_notebook):
    impostor = new_notebook.folder / "node_modules" / "moe-debugger"
    impostor.mkdir(parents=True)
    (impostor / "package.json").write_text('{"name": "moe-debugger", "main": "index.js", "types": "index.d.ts"}')
    (impostor / "index.js").write_text("exports.old = 1;")
    (impostor / "index.d.ts").write_text("export declare const old: number;")
    cell = new_notebook.ok("import { MoEDebuggerError } from 'moe-debugger';\ntypeof MoEDebuggerError")
    assert cell.result == "function"


def test_files_beside_the_notebook_can_be_imported(new_notebook):
    (new_notebook.folder / "local.ts").write_text("export const local: number = 5;\n")
    assert new_notebook.ok("import { local } from './local';\nlocal").result == "5"


@pytest.mark.parametrize("name", ["fresh", "@scope/fresh"])
def test_a_package_that_is_installed_while_the_kernel_runs_is_found(new_notebook, name):
    modules = new_notebook.folder / "node_modules"
    (modules / "@scope" / "other").mkdir(parents=True)
    new_notebook.manager.restart_kernel()
    new_notebook.client.wait_for_ready(timeout=60)
    code = f"import {{ fresh }} from '{name}';\nfresh + 1"
    assert "Cannot find module" in new_notebook.run(code).error["evalue"]
    package = modules / name
    package.mkdir()
    (package / "package.json").write_text('{"main": "index.js", "types": "index.d.ts"}')
    (package / "index.js").write_text("exports.fresh = 1;")
    (package / "index.d.ts").write_text("export declare const fresh: number;")
    assert new_notebook.ok(code).result == "2"
