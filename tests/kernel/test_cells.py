"""Cells: their messages, in order and under the right parent."""

import json

import nbclient
import nbformat
import pytest


def test_a_cell_announces_itself_and_gives_a_result(notebook):
    cell = notebook.ok("const half: number = 21;\nhalf * 2")
    assert cell.types == ["status", "execute_input", "execute_result", "status"]
    assert cell.contents("execute_input")[0]["code"].startswith("const half")
    assert cell.result == "42"
    count = cell.reply["execution_count"]
    assert cell.contents("execute_result")[0]["execution_count"] == count
    assert notebook.ok("half").reply["execution_count"] == count + 1


def test_a_cell_without_a_value_has_no_result(notebook):
    assert notebook.ok("const unused = 1;").types == [
        "status",
        "execute_input",
        "status",
    ]


def test_streams_keep_their_order_around_other_output(notebook):
    cell = notebook.ok(
        "import { display } from 'tslab';\n"
        "console.log('a'); console.log('b'); console.error('c'); display.html('<i>d</i>'); console.log('e'); 'f'"
    )
    assert cell.types == [
        "status",
        "execute_input",
        "stream",
        "stream",
        "display_data",
        "stream",
        "execute_result",
        "status",
    ]
    assert cell.stdout == "a\nb\ne\n"
    assert cell.stderr == "c\n"


def test_a_character_split_over_two_writes_arrives_whole(notebook):
    cell = notebook.ok(
        "const bytes = Buffer.from('\\u00e9');\n"
        "process.stdout.write(bytes.subarray(0, 1)); process.stdout.write(bytes.subarray(1)); undefined"
    )
    assert cell.stdout == "\u00e9"


def test_600_lines_in_one_tick_do_not_hang(notebook):
    cell = notebook.ok("for (let i = 0; i < 600; i++) { console.log(i); }")
    assert cell.stdout.splitlines() == [str(i) for i in range(600)]


def test_600_messages_in_one_tick_do_not_hang(notebook):
    cell = notebook.ok(
        "import { display } from 'tslab';\nfor (let i = 0; i < 600; i++) { display.text(String(i)); }"
    )
    texts = [c["data"]["text/plain"] for c in cell.contents("display_data")]
    assert texts == [str(i) for i in range(600)]


def test_a_flood_of_output_becomes_few_messages(notebook):
    cell = notebook.ok("for (let i = 0; i < 10000; i++) { console.log(i); }")
    assert cell.stdout.splitlines() == [str(i) for i in range(10000)]
    # jupyter_server drops what exceeds 1000 messages a second.
    assert len(cell.contents("stream")) < 100


def test_output_of_a_loop_that_never_yields_is_seen_while_it_runs(notebook):
    running = notebook.start("let n = 0; while (true) { console.log(n++); }")
    assert notebook.wait_for("stream", running)["content"]["text"].startswith("0\n1\n")
    notebook.interrupt()
    assert notebook.finish(running).reply["ename"] == "Interrupted"


def test_late_output_appears_under_its_own_cell(notebook):
    first = notebook.start(
        "const tick = setInterval(() => console.log('from the first'), 5); undefined"
    )
    notebook.finish(first)
    second = notebook.ok("console.log('from the second'); undefined")
    assert second.stdout == "from the second\n"
    late = notebook.wait_for("stream", first)
    assert "from the first" in late["content"]["text"]
    notebook.ok("clearInterval(tick)")


def test_uncaught_errors_keep_the_kernel_alive_and_show_under_their_cell(notebook):
    thrower = notebook.start(
        "setTimeout(() => { throw new Error('thrown late'); }, 5); undefined"
    )
    notebook.finish(thrower)
    assert "thrown late" in notebook.wait_for("stream", thrower)["content"]["text"]
    rejecter = notebook.start("void Promise.reject(new Error('rejected')); undefined")
    notebook.finish(rejecter)
    assert "rejected" in notebook.wait_for("stream", rejecter)["content"]["text"]
    assert notebook.ok("'alive'").result == "alive"


def test_compiler_errors_name_line_column_and_problem(notebook):
    cell = notebook.run("const fine = 1;\nconst wrong: number = 'text';")
    assert cell.error["ename"] == "TypeScriptError"
    assert (
        cell.error["evalue"]
        == "2:7 - Type 'string' is not assignable to type 'number'."
    )
    assert "error TS2322" in cell.error["traceback"][0]
    assert cell.error["traceback"][1].endswith("| const wrong: number = 'text';")
    assert cell.reply["status"] == "error"
    assert cell.reply["evalue"] == cell.error["evalue"]
    assert cell.contents("stream") == []


def test_runtime_errors_show_the_cause_and_not_the_kernel(notebook):
    cell = notebook.run(
        "interface Unused { n: number }\n\n"
        "function broken(): void {\n  throw new TypeError('outer', { cause: new Error('inner') });\n}\nbroken()"
    )
    assert (cell.error["ename"], cell.error["evalue"]) == ("TypeError", "outer")
    traceback = "\n".join(cell.error["traceback"])
    count = cell.reply["execution_count"]
    assert f"at broken (cell {count}, line 4)" in traceback
    assert f"at cell {count}, line 6" in traceback
    assert "Caused by Error: inner" in traceback
    assert (
        "tslab/dist" not in traceback
        and "lib/programs/kernel" not in traceback
        and "node:" not in traceback
    )


def test_thrown_values_that_are_no_errors_are_shown(notebook):
    assert notebook.run("throw 'plain text'").error["evalue"] == "plain text"
    assert notebook.run("throw { code: 7 }").error["evalue"] == "{ code: 7 }"


def test_our_own_errors_are_one_line(notebook):
    cell = notebook.run(
        "import { MoEDebuggerError } from 'moe-debugger';\n"
        "throw new MoEDebuggerError('input', 'no such layer', { where: 'layer 9', hint: 'the model has 4' });"
    )
    line = "no such layer (layer 9): the model has 4"
    assert cell.error == {
        "ename": "MoEDebuggerError",
        "evalue": line,
        "traceback": [f"MoEDebuggerError: {line}"],
    }


def test_an_error_aborts_the_cells_sent_with_it_and_none_after(notebook):
    failing = notebook.start("throw new Error('first')")
    queued = [notebook.start("'never run'") for _ in range(3)]
    assert notebook.finish(failing).reply["status"] == "error"
    for msg_id in queued:
        cell = notebook.finish(msg_id)
        assert cell.reply == {"status": "aborted"}
        assert "execute_input" not in cell.types
    # Stock tslab aborts whatever comes within 200 ms.
    assert notebook.ok("'run'").result == "run"


def test_stop_on_error_false_is_honoured(notebook):
    failing = notebook.start("throw new Error('first')", stop_on_error=False)
    queued = notebook.start("'run all the same'")
    assert notebook.finish(failing).reply["status"] == "error"
    assert notebook.finish(queued).result == "run all the same"


def test_nbclient_runs_every_cell_after_an_error(data_dir, tmp_path):
    sources = [
        "throw new Error('expected')",
        "const after = 1;",
        "oops",
        "after + 1",
        "after + 2",
    ]
    document = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    nbclient.NotebookClient(
        document, kernel_name="tslab-moe", allow_errors=True, timeout=60
    ).execute(cwd=str(tmp_path))
    outputs = [
        [o["output_type"] for o in cell["outputs"]] for cell in document["cells"]
    ]
    assert outputs == [["error"], [], ["error"], ["execute_result"], ["execute_result"]]
    assert document["cells"][3]["outputs"][0]["data"]["text/plain"] == "2"


def test_silent_shows_and_counts_nothing(notebook):
    before = notebook.ok("0").reply["execution_count"]
    cell = notebook.ok("console.log('unheard'); 1", silent=True)
    assert cell.types == ["status", "status"]
    assert notebook.ok("0").reply["execution_count"] == before + 1


def test_store_history_false_runs_but_is_not_counted(notebook):
    before = notebook.ok("0").reply["execution_count"]
    assert notebook.ok("'seen'", store_history=False).result == "seen"
    assert notebook.ok("0").reply["execution_count"] == before + 1


def test_user_expressions_are_evaluated_after_the_cell(notebook):
    reply = notebook.ok(
        "const side = 3;",
        user_expressions={"area": "side * side", "bad": "missing"},
    ).reply["user_expressions"]
    assert reply["area"] == {
        "status": "ok",
        "data": {"text/plain": "9"},
        "metadata": {},
    }
    assert reply["bad"]["status"] == "error"
    assert reply["bad"]["ename"] == "TypeScriptError"


def test_reading_standard_input_is_refused_at_once(notebook):
    for code in (
        "process.stdin.on('data', () => undefined)",
        "for await (const line of process.stdin) { console.log(line); }\nundefined",
        "await new Promise(done => process.stdin.once('readable', done))",
        "import { createInterface } from 'node:readline/promises';\n"
        "await createInterface({ input: process.stdin }).question('name? ')",
    ):
        error = notebook.run(code).error
        assert "cannot read from standard input" in error["evalue"], code


def test_modules_of_a_cell_report_their_problems(notebook):
    assert (
        notebook.run("/** @module good */\nexport const one = 1;").reply["status"]
        == "ok"
    )
    assert notebook.ok("import { one } from './good';\none").result == "1"
    cell = notebook.run("/** @module bad */\nexport const two: string = 2;")
    assert cell.error["ename"] == "TypeScriptError"


def write_package(folder, name, manifest, files):
    root = folder / "node_modules" / name
    for path, text in {**files, "package.json": json.dumps({"name": name, "version": "1.0.0", **manifest})}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def test_packages_of_es_modules_are_imported_with_their_types(new_notebook):
    write_package(
        new_notebook.folder,
        "only-esm",
        {
            "type": "module",
            "exports": {
                ".": {"import": {"types": "./types/main.d.ts", "default": "./lib/main.js"}},
                "./more/*": {"types": "./types/*.d.ts", "default": "./lib/*.js"},
            },
        },
        {
            "lib/main.js": "export const answer = 42; export default 'main';",
            "types/main.d.ts": "export declare const answer: number; declare const text: string; export default text;",
            "lib/extra.js": "export const extra = [1, 2];",
            "types/extra.d.ts": "export declare const extra: number[];",
        },
    )
    cell = new_notebook.ok(
        "const { answer, default: text } = await import('only-esm');\n"
        "const { extra } = await import('only-esm/more/extra');\n"
        "const name = 'only-' + 'esm';\n"
        "[answer, text, extra.length, (await import(name)).answer]"
    )
    assert cell.result == "[ 42, 'main', 2, 42 ]"
    assert "is not assignable to type 'boolean'" in new_notebook.run("const wrong: boolean = answer;").error["evalue"]


def test_import_in_a_cell_also_loads_what_require_does(new_notebook):
    write_package(new_notebook.folder, "common", {"main": "main.js"}, {"main.js": "exports.one = 1;"})
    (new_notebook.folder / "beside.mjs").write_text("export const beside = 'here';")
    new_notebook.ok("/** @module helper */\nexport const two = 2;")
    cell = new_notebook.ok(
        "const id = './beside.mjs';\n"
        "[(await import('node:path')).posix.sep, (await import('./helper')).two, (await import(id)).beside,\n"
        " (await import('moe-debugger')).loadModel === require('moe-debugger').loadModel]"
    )
    assert cell.result == "[ '/', 2, 'here', true ]"
    missing = new_notebook.run("await import('no-such-' + 'package')").error
    assert "Cannot find package 'no-such-package'" in missing["evalue"]
    # Lines of a cell with an import are still found.
    failed = new_notebook.run("await import('node:path');\n\nthrow new Error('third line')").error
    assert any("line 3" in line for line in failed["traceback"])


def test_a_lone_for_await_runs(notebook):
    cell = notebook.ok(
        "async function* count() { yield 1; yield 2; }\n"
        "for await (const n of count()) { console.log(n); }"
    )
    assert cell.stdout == "1\n2\n"


@pytest.mark.parametrize(
    "code",
    ["await (Promise.resolve(7) as any)", "(await (async () => [7])())[0]", "(await [7])[0]"],
)
def test_an_await_before_a_bracket_is_one(notebook, code):
    assert notebook.ok(code).result == "7"
