"""Recorded answers of a language model, served in the forms of both services, on this machine's own address."""

import json

from announce.loopback import Loopback

KEY = "sk-secret-of-the-author"


class Model(Loopback):
    """answers: the texts to give, in turn, the last one again and again. schemas: whether the service knows response_format."""

    def __init__(self):
        super().__init__()
        self.answers, self.schemas, self.asked = [], True, []

    def answer(self, call):
        if call.path == "/v1/chat/completions":
            return self.openai(call)
        if call.path == "/v1/messages":
            return self.anthropic(call)
        return 404, {"error": {"message": f"no such path {call.path}"}}

    def openai(self, call):
        if call.headers.get("Authorization") != f"Bearer {KEY}":
            given = call.headers.get("Authorization")
            return 401, {"error": {"message": f"Incorrect API key provided: {given}", "type": "invalid_request_error"}}
        body = call.json
        if "response_format" in body and not self.schemas:
            return 400, {"error": {"message": "Unrecognized request argument supplied: response_format"}}
        text = self.next(body["messages"])
        message = {"role": "assistant", "content": text}
        return 200, {
            "id": "c1",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }

    def anthropic(self, call):
        if call.headers.get("x-api-key") != KEY or call.headers.get("anthropic-version") != "2023-06-01":
            return 401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
        body = call.json
        assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
        text = self.next(body["messages"])
        try:
            block = {"type": "tool_use", "id": "t1", "name": "answer", "input": json.loads(text)}
        except ValueError:
            block = {"type": "text", "text": text}
        return 200, {"id": "m1", "type": "message", "role": "assistant", "content": [block], "stop_reason": "tool_use"}

    def next(self, messages):
        assert [m["role"] for m in messages] == ["user", "assistant", "user"][: len(messages)]
        self.asked.append(messages)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
