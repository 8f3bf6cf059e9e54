"""Asking a language model: what goes over the line in both services' forms, and every way in which no good answer comes."""

import json
import os
import subprocess
import sys
import time

import pytest

from announce.loopback import FOREVER
from announce.model_server import KEY, Model
from breadth.announce.write.models import Message, _seconds, writer_of
from breadth.errors import AnnounceError

TALK = (Message("user", "Write."), Message("assistant", '{"a": 1}'), Message("user", "Again."))
SCHEMA = {"type": "object"}


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with Model().running() as server:
        server.answers = ['{"a": 2}']
        yield server


def asked(model, name, **options):
    return writer_of(name, model="m-1", base_url=f"{model.url}/v1", **options).ask(TALK, SCHEMA)


def refused(model, name, **options):
    with pytest.raises(AnnounceError) as caught:
        asked(model, name, **options)
    return str(caught.value)


def place(model, name):
    return f"{model.url}/v1/{'chat/completions' if name == 'openai' else 'messages'}"


def test_an_openai_compatible_endpoint_is_asked_for_json_of_the_schema(model):
    assert asked(model, "openai") == '{"a": 2}'
    (call,) = model.calls
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    messages = [{"role": m.role, "content": m.text} for m in TALK]
    assert call.json == {"model": "m-1", "messages": messages, "response_format": form}


def test_an_endpoint_without_schemas_is_asked_without_one(model):
    model.schemas = False
    assert asked(model, "openai") == '{"a": 2}'
    assert ["response_format" in c.json for c in model.calls] == [True, False]


def test_anthropic_is_asked_for_a_tool_s_input(model):
    assert json.loads(asked(model, "anthropic")) == {"a": 2}
    body = model.calls[0].json
    assert (body["model"], body["max_tokens"], body["tools"][0]["input_schema"]) == ("m-1", 8192, SCHEMA)
    assert [m["content"] for m in body["messages"]] == ["Write.", '{"a": 1}', "Again."]
    model.answers = ["no json"]
    assert asked(model, "anthropic") == "no json"


def test_a_local_server_needs_no_key(model, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "Incorrect API key provided: None" in refused(model, "openai")
    assert model.calls[0].headers.get("Authorization") is None


def test_a_key_that_the_service_repeats_is_not_shown(model, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-secret")
    assert refused(model, "openai") == (
        f"{place(model, 'openai')} answered 401 (Incorrect API key provided: Bearer ***); check the key"
    )
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-another-secret")
    assert refused(model, "anthropic") == f"{place(model, 'anthropic')} answered 401 (invalid x-api-key); check the key"


@pytest.mark.parametrize("name", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ((500, {"error": {"message": "boom\x1b[31m"}}), " answered 500 (boom\\x1b[31m); try again later"),
        ((404, {"error": "no model m-1"}), " answered 404 (no model m-1); check --base-url and --model"),
        ((200, b"<html>Not here</html>"), " answered 200 with something other than JSON (<html>Not here</html>); check --base-url"),
        ((200, b"[" * 100_000), f" answered 200 with something other than JSON ({'[' * 200}); check --base-url"),
        (
            (200, {"choices": [], "content": [], "stop_reason": "x"}),
            ": the answer holds no text; check that --base-url speaks this service's protocol",
        ),
        ((200, []), ": the answer holds no text; check that --base-url speaks this service's protocol"),
        (
            (200, {"choices": [{"message": {"content": None}}], "stop_reason": 1, "content": 3}),
            ": the answer holds no text; check that --base-url speaks this service's protocol",
        ),
        ((200, b"1" * 1_000_001), " answered more than 1000000 bytes, which is no thread; try another model"),
        (
            (
                200,
                {"choices": [{"message": {"content": "{"}, "finish_reason": "length"}], "stop_reason": "max_tokens", "content": []},
            ),
            ": the model stopped at its limit of tokens; use a model that answers at more length",
        ),
    ],
)
def test_bad_answers_are_one_line(model, name, fault, told):
    model.fault(place(model, name).rpartition("/")[2], fault)
    assert refused(model, name) == place(model, name) + told


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_line_that_breaks_or_stays_silent_is_one_line(model, name):
    model.fault("s", "down")
    assert refused(model, name) == (
        f"{place(model, name)} cannot be reached (Server disconnected without sending a response.); check --base-url and the network"
    )
    model.fault("s", "lost")
    assert refused(model, name, timeout=0.2) == (
        f"{place(model, name)} did not answer within 0.2 s; give --timeout, or try again later"
    )


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_moment_is_waited_and_an_hour_is_told(model, name):
    busy = (429, {"error": {"message": "Rate limit"}})
    model.fault("s", busy, headers={"Retry-After": "0.2"})
    begun = time.monotonic()
    assert json.loads(asked(model, name)) == {"a": 2}
    assert time.monotonic() - begun > 0.2
    model.fault("s", busy, headers={"Retry-After": "3600"})
    assert refused(model, name) == f"{place(model, name)} takes no more requests for now (429, asks for 3600 s); try again then"
    model.fault("s", (529, {}), headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert json.loads(asked(model, name)) == {"a": 2}
    for call in (1, 2, 3):
        model.fault("s", (503, {}), call=call, headers={"Retry-After": "0"})
    assert refused(model, name) == f"{place(model, name)} takes no more requests for now (503, asks for 0 s); try again then"


def test_a_wait_that_is_no_number_is_two_seconds():
    assert [_seconds(text) for text in (None, "", "inf", "nan", "soon", "-3", "1.5")] == [2.0, 2.0, 2.0, 2.0, 2.0, 0.0, 1.5]


def test_what_is_missing_is_told_before_anything_is_asked(monkeypatch):
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)

    def told(*words, **options):
        with pytest.raises(AnnounceError) as caught:
            writer_of(*words, **options)
        return str(caught.value)

    assert told("gpt") == "unknown writer 'gpt'; expected one of: anthropic, command, extractive, openai"
    assert told("openai") == "writer openai needs --model, the name of a model of that service"
    assert told("openai", model="m") == "writer openai needs a key; set OPENAI_API_KEY in the environment"
    assert told("anthropic", model="m", base_url="http://x") == (
        "writer anthropic needs a key; set ANTHROPIC_API_KEY in the environment"
    )
    assert told("openai", model="m", base_url="localhost:80") == (
        "--base-url is 'localhost:80'; expected an address such as http://localhost:8000/v1"
    )
    assert told("command") == "writer command needs --command, a program that reads the prompt and prints the answer"
    assert told("command", command="'a") == "--command ''a' cannot be read (No closing quotation); quote it as for a shell"


def run(program, *, timeout=20.0, words=()):
    command = " ".join(["'" + w.replace("'", "'\\''") + "'" for w in (sys.executable, "-c", program, *words)])
    return writer_of("command", command=command, timeout=timeout).ask(TALK, SCHEMA)


def fails(program, **options):
    with pytest.raises(AnnounceError) as caught:
        run(program, **options)
    return str(caught.value).replace(sys.executable, "python")


def test_a_command_reads_the_talk_and_the_schema_and_no_shell_reads_its_words():
    got = run("import sys; print(sys.argv[1:], sys.stdin.read())", words=("$HOME; rm x", "*"))
    assert got.startswith("['$HOME; rm x', '*'] Write.\n\nYour answer was:\n{\"a\": 1}\n\nAgain.\n\nAnswer with one JSON object")
    assert json.dumps(SCHEMA) in got


def test_a_command_that_reads_nothing_is_no_matter():
    assert run("print(1)") == "1\n"


def test_a_command_that_fails_says_why():
    assert fails("import sys; print('a'); sys.exit('no model\\x1b[2J loaded')") == (
        "command 'python' ended with code 1 (no model\\x1b[2J loaded); run it by hand to see why"
    )
    with pytest.raises(
        AnnounceError, match=r"^command 'no-such-program' cannot be run \(No such file or directory\); give --command a"
    ):
        writer_of("command", command="no-such-program").ask(TALK, SCHEMA)


def test_a_command_that_prints_without_end_is_stopped():
    assert fails("while True: print('x' * 10000)") == (
        "command 'python' printed more than 1000000 bytes, which is no thread; print the answer only"
    )


def test_a_command_that_hangs_is_stopped_with_what_it_started(tmp_path):
    child = tmp_path / "child"
    program = (
        "import subprocess, sys, time, pathlib; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"pathlib.Path({str(child)!r}).write_text(str(p.pid)); time.sleep(60)"
    )
    begun = time.monotonic()
    assert fails(program, timeout=1.5) == "command 'python' did not answer within 1.5 s; give --timeout"
    assert time.monotonic() - begun < FOREVER
    time.sleep(0.1)
    state = subprocess.run(["ps", "-o", "stat=", "-p", child.read_text()], capture_output=True, text=True, check=False).stdout
    assert state.strip() in {"", "Z"}
    assert os.path.exists(child)
