"""What AI services and proxies really send, and what a person is to get of it: one list for the protocol's own tests, for the
tests from the front door, and for the table in docs/conformance.md.

Each scenario says where it was seen: a public bug report (project#number), or OWN.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from django.conf import settings

from chat.core.events import Ending
from chat.upstream import breaker_registry, session
from chat.upstream.request import ResponseBody
from tests.support.fake_upstream import CHUNKED, END, chunk, head
from tests.support.polling import eventually
from tests.support.sse import parse_parts

OWN = "own"
DONE = b"data: [DONE]\n\n"


def frame(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def words(text: Any, reason: str | None = None, **delta: Any) -> bytes:
    return frame(choices=[{"index": 0, "delta": {"content": text, **delta}, "finish_reason": reason}])


def part(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


THOUGHT = "Okay, the user is asking about the AEEH. I should tell them that you can apply at the MDPH. But wait, the mother sounds"

# name: where it was seen, the bytes of a response, the text, and the ending or the code of the error.
DIALECTS: dict[str, tuple[str, list[bytes], str, str]] = {
    "done without a reason": ("bifrost#5546", [words("Oui"), words(""), DONE], "Oui", "interrupted"),
    "done without a reason, after an empty one": ("bifrost#5546", [words("Oui", ""), DONE], "Oui", "interrupted"),
    "cut without a reason": ("llama.cpp#16109", [words("Oui")], "Oui", "cut"),
    "stop on every chunk, then a cut": ("litellm#2195", [words("O", "stop"), words("u", "stop")], "Ou", "cut"),
    "stop on every chunk, then done": ("one-api#1477", [words("O", "stop"), words("ui", "stop"), DONE], "Oui", "stop"),
    "stop on an early chunk only": (OWN, [words("O", "stop"), words("ui"), DONE], "Oui", "interrupted"),
    "stop, and a cut after it": (OWN, [words("Oui", "stop")], "Oui", "stop"),
    "stop on a chunk of its own, and a cut": (OWN, [words("Oui"), words("", "stop")], "Oui", "stop"),
    "stop, then a chunk with usage alone": (OWN, [words("Oui", "stop"), frame(choices=[], usage={}), DONE], "Oui", "stop"),
    "stop, then a line break": (OWN, [words("Oui", "stop"), words("\n"), DONE], "Oui\n", "stop"),
    "error event, then done": ("fms-guardrails-orchestrator#436", [words("O"), b'event: error\ndata: {"code": 500}\n\n', DONE], "O", "error_object"),
    "error event with other fields": ("fms-guardrails-orchestrator#436", [words("O"), b'event: error\ndata: {"details": "x"}\n\n'], "O", "error_object"),
    "error event without data": (OWN, [words("O", "stop"), b"event: error\n\n", DONE], "O", "error_object"),
    "error object": ("guidellm#743", [frame(error={"message": "x"}), DONE], "", "error_object"),
    "error as a text": (OWN, [words("O"), frame(error="overloaded"), DONE], "O", "error_object"),
    "error beside choices": (OWN, [frame(error={"code": 502}, choices=[]), DONE], "", "error_object"),
    "error after a stop": (OWN, [words("O", "stop"), frame(error={"code": 500})], "O", "error_object"),
    "object error": ("fms-guardrails-orchestrator#436", [frame(object="error", message="x", code=400)], "", "error_object"),
    "type error": (OWN, [words("O"), frame(type="error", sequence=1)], "O", "error_object"),
    "detail": ("fms-guardrails-orchestrator#436", [words("O"), frame(detail="Internal error"), DONE], "O", "error_object"),
    "detail as a list": (OWN, [frame(detail=[{"msg": "x"}])], "", "error_object"),
    "code and message": (OWN, [frame(code="rate_limit", message="x")], "", "error_object"),
    "null error": (OWN, [words("Oui", "stop", refusal=None), frame(error=None, choices=[]), DONE], "Oui", "stop"),
    "content as parts": ("litellm#16272", [words([part("text", text="Ou"), part("text", text="i")], "stop"), DONE], "Oui", "stop"),
    "content as output_text": (OWN, [words([part("output_text", text="Oui")], "stop"), DONE], "Oui", "stop"),
    "content as texts in a list": (OWN, [words(["Ou", "i"], "stop"), DONE], "Oui", "stop"),
    "a part that thinks": (
        "litellm#16272",
        [words([part("thinking", thinking=[part("text", text="hm")]), part("text", text="Oui")], "stop"), DONE], "Oui", "stop",
    ),
    "a part of another kind": (OWN, [words([part("reference", ids=[1]), part("text", text="Oui")], "stop"), DONE], "Oui", "stop"),
    "reasoning beside the content": (OWN, [words(None, reasoning_content="hm"), words("Oui", "stop"), DONE], "Oui", "stop"),
    "reasoning under another name": (OWN, [words("", reasoning="hm"), words("Oui", "stop"), DONE], "Oui", "stop"),
    "thought in tags": ("vllm#12999", [words("<think>hm</think>\n\nOui", "stop"), DONE], "Oui", "stop"),
    "thought in tags, cut anywhere": (
        "vllm#12999",
        [words(piece) for piece in ("<", "thi", "nk>h", "m</", "thin", "k", ">", "\nO", "ui")] + [words("", "stop"), DONE], "Oui", "stop",
    ),
    "thought in capitals": (OWN, [words("<THINK>hm</THINK>Oui", "stop"), DONE], "Oui", "stop"),
    "thought in other tags": (OWN, [words("<thinking>hm</thinking>Oui", "stop"), DONE], "Oui", "stop"),
    "thought in brackets": (OWN, [words("[THINK]hm[/THINK]Oui", "stop"), DONE], "Oui", "stop"),
    "two thoughts": (OWN, [words("<think>a</think>O<think>b</think>ui", "stop"), DONE], "Oui", "stop"),
    "only a thought": ("vllm#12999", [words("<think>hm</think>", "stop"), DONE], "", "stop"),
    "a thought without an end": (OWN, [words("<think>hm", "length"), DONE], "", "length"),
    "thought without its first tag": (
        "vllm#12999",
        [words("Okay, the user asks about the AEEH."), words(" So I will answer.</think>Oui"), words("", "stop"), DONE], "Oui", "stop",
    ),
    "thought without any tag": (OWN, [words("Okay, the user asks about the AEEH. Let me think.", "stop"), DONE], "", "stop"),
    "a polite beginning is no thought": (OWN, [words("D'accord, voici la démarche."), words("", "stop"), DONE], "D'accord, voici la démarche.", "stop"),
    "the user's account is no thought": (OWN, [words("So, the question is where the user account"), words(" is. First, log in."), words("", "stop"), DONE], "So, the question is where the user account is. First, log in.", "stop"),
    "l'utilisation is no thought": (OWN, [words("D'accord. L’utilisation"), words(" de la carte est gratuite."), words("", "stop"), DONE], "D'accord. L’utilisation de la carte est gratuite.", "stop"),
    "reads like a thought, and is written to the person": (OWN, [words("Okay, the user wants a card: that is you!", "stop"), DONE], "Okay, the user wants a card: that is you!", "interrupted"),
    "thought without any tag, with a word to the person, cut": (OWN, [words(THOUGHT)], "", "cut"),
    "thought without any tag, with a word to the person, and the length limit": (OWN, [words(THOUGHT), words("", "length"), DONE], "", "length"),
    "thought without any tag, with a word to the person, and no reason": (OWN, [words(THOUGHT), DONE], "", "interrupted"),
    "thought without any tag, with a word to the person, and an error": (OWN, [words(THOUGHT), frame(error={"code": 500})], "", "error_object"),
    "a closing tag within an answer": (OWN, [words("Oui </think>non", "stop"), DONE], "Oui non", "interrupted"),
    "a lower-than sign is no tag": (OWN, [words("Si a <"), words(" b, ou <b>non"), words("", "stop"), DONE], "Si a < b, ou <b>non", "stop"),
    "a citation is no tag": (OWN, [words("Oui ["), words("1]."), words("", "stop"), DONE], "Oui [1].", "stop"),
    "an unfinished tag is text": (OWN, [words("Oui <thin", "stop"), DONE], "Oui <thin", "stop"),
    "refusal": ("inspect_ai#4846", [words(None, refusal="Non."), words(None, "stop"), DONE], "Non.", "refused"),
    "refusal by the filter": (OWN, [words(None, refusal="Non."), words(None, "content_filter"), DONE], "Non.", "filtered"),
    "filtered without a word": ("semantic-kernel#5289", [words("", "content_filter"), DONE], "", "filtered"),
    "a smile in two halves": (
        "rakazo#416",
        [b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n', b'data: {"choices":[{"delta":{"content":"\\ude00b"}}]}\n\n', words("", "stop"), DONE],
        "a😀b", "stop",
    ),
    "half a smile": (OWN, [b'data: {"choices":[{"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n', DONE], "a\ufffd", "stop"),
    "a byte that is no UTF-8": (OWN, [b'data: {"choices":[{"delta":{"content":"caf\xe9"},"finish_reason":"stop"}]}\n\n', DONE], "caf\ufffd", "stop"),
    "NUL": (OWN, [words("O\0ui", "stop"), DONE], "Oui", "stop"),
    "empty data as a heartbeat": ("cadis#2329", [b"data:\n\n", words("O"), b"data: \n\n", words("ui", "stop"), DONE], "Oui", "stop"),
    "a heartbeat in words": (OWN, [b"data: keep-alive\n\n", words("Oui", "stop"), b"data: [PING]\n\n", DONE], "Oui", "stop"),
    "comments": ("envoy ai-gateway#1927", [b": OPENROUTER PROCESSING\n\n", words("Oui", "stop"), b":\n\n", DONE], "Oui", "stop"),
    "byte order mark": ("openai-python#3819", [b"\xef\xbb\xbf" + words("Oui", "stop"), DONE], "Oui", "stop"),
    "byte order mark in pieces": (OWN, [b"\xef", b"\xbb", b"\xbf" + words("Oui", "stop"), DONE], "Oui", "stop"),
    "lines that end in CR": (OWN, [words("Oui", "stop").replace(b"\n", b"\r"), DONE.replace(b"\n", b"\r")], "Oui", "stop"),
    "CRLF between two pieces": (OWN, [words("Oui", "stop")[:-2] + b"\r", b"\n\r", b"\n" + DONE], "Oui", "stop"),
    "unknown fields": (OWN, [b"x-trace: 1\nfoo\n" + words("Oui", "stop"), b"id: 3\nretry: 10\nevent: message\n" + DONE], "Oui", "stop"),
    "no space after the colon": (OWN, [words("Oui", "stop").replace(b"data: ", b"data:"), b"data:[DONE]\n\n"], "Oui", "stop"),
    "data over several lines": (OWN, [b'data: {"choices":[{"delta":{"content":"Oui"},\ndata: "finish_reason":"stop"}]}\n\n', DONE], "Oui", "stop"),
    "no blank line at the end": ("openai-python#2722", [words("Oui", "stop"), b"data: [DONE]"], "Oui", "stop"),
    "a last chunk without a blank line": (OWN, [words("Oui", "stop").rstrip(b"\n")], "Oui", "stop"),
    "whole instead of streamed": ("reported to us", [b'{"choices":[{"message":{"content":"Oui"},"finish_reason":"stop"}]}'], "Oui", "stop"),
    "whole, in pieces, after blanks": (OWN, [b"\r\n ", b'{"choices":[{"message":{"con', b'tent":"Oui"},"finish_reason":"length"}]}'], "Oui", "length"),
    "whole, without a reason": (OWN, [b'{"choices":[{"message":{"content":"Oui"}}]}'], "Oui", "interrupted"),
    "whole, an error": (OWN, [b'{"error": {"message": "no such model"}}'], "", "error_object"),
    "whole, cut": (OWN, [b'{"choices":[{"message":{"content":"Oui"}'], "", "not_json"),
    "a message where a delta was due": (OWN, [frame(choices=[{"message": {"content": "Oui"}, "finish_reason": "stop"}]), DONE], "Oui", "stop"),
    "nulls everywhere": ("TGI#3155", [frame(choices=[{"delta": {"content": None, "tool_calls": None}, "finish_reason": None}], usage=None, error=None), words("Oui", "stop"), DONE], "Oui", "stop"),
    "no choices at first": (OWN, [frame(choices=[], prompt_filter_results=[]), words("Oui", "stop"), DONE], "Oui", "stop"),
    "tool calls that are empty": ("sub2api#6063", [words("Oui", "stop", tool_calls=[]), DONE], "Oui", "stop"),
    "not a stream": (OWN, [b"<html>Bad gateway</html>"], "", "not_a_stream"),
    "nothing": (OWN, [], "", "empty"),
    "only blanks": (OWN, [b"\n\n"], "", "empty"),
    "words after done": (OWN, [words("Oui", "stop"), DONE + words("non")], "Oui", "stop"),
    **{
        f"a finish reason of {reason}": ("cherry-studio#16079", [words("Oui", reason), DONE], "Oui", ending)
        for reason, ending in [("error", "interrupted"), ("MAX_TOKENS", "length"), ("SAFETY", "filtered"), ("model_length", "length"), ("abort", "interrupted"), ("network_error", "interrupted")]
    },
    "words, then the length limit": ("chat-ui#2385", [words("Oui", "length"), DONE], "Oui", "length"),
    "usage with fractions in every chunk": ("litellm#28024", [frame(choices=[{"index": 0, "delta": {"content": "Oui"}}], usage={"completion_tokens": 0.5}), words("", "stop", usage={"x": 1.5}), DONE], "Oui", "stop"),
    "a ping in the silence": ("vercel/ai#2763", [b"event: ping\ndata: {}\n\n", words("Oui", "stop"), DONE], "Oui", "stop"),
    "usage in parts": ("ollama#4357", [words("Oui", "stop"), frame(choices=[], usage={"prompt_tokens": 3}), DONE], "Oui", "stop"),
    "a stop with a full stop": (OWN, [words("Oui"), words("", "stop."), DONE], "Oui", "interrupted"),
    "a stop before the first words": (OWN, [words("", "stop"), words("Oui"), DONE], "Oui", "interrupted"),
    "length, and a stop after it": (OWN, [words("Oui", "length"), words("", "stop"), DONE], "Oui", "length"),
    "stop, and a filter after it": (OWN, [words("Oui", "stop"), words("", "content_filter"), DONE], "Oui", "filtered"),
    "a reason that is an object": (OWN, [words("Ou"), frame(choices=[{"index": 0, "delta": {"content": "i"}, "finish_reason": {"type": "stop"}}]), DONE], "Oui", "wrong_type"),
    "content that is a number": (OWN, [words(42, "stop"), DONE], "", "wrong_type"),
    "two alternatives at once": (OWN, [frame(choices=[{"index": 0, "delta": {"content": "Oui"}}, {"index": 1, "delta": {"content": "Non"}}]), words("", "stop"), DONE], "Oui", "stop"),
    "an alternative that stops first": (OWN, [words("Ou"), frame(choices=[{"index": 1, "delta": {}, "finish_reason": "stop"}]), words("i", "length"), DONE], "Oui", "length"),
    "line separators of Unicode in the text": (OWN, ['data: {"choices":[{"delta":{"content":"O\u2028u\x85i"},"finish_reason":"stop"}]}\n\n'.encode(), DONE], "O\u2028u\x85i", "stop"),
    "a probability that is no number": (OWN, [b'data: {"choices":[{"delta":{"content":"Oui"},"logprobs":{"p":NaN},"finish_reason":"stop"}]}\n\n', DONE], "Oui", "stop"),
    "a chunk of 100,000 characters": (OWN, [words("é" * 100_000, "stop"), DONE], "é" * 100_000, "stop"),
    "a name for each event": (OWN, [b"event: chunk\n" + words("Oui", "stop"), b"event: done\n" + DONE], "Oui", "stop"),
    "a usage before the words": (OWN, [frame(choices=[], usage={"prompt_tokens": 3}), words("Oui", "stop"), DONE], "Oui", "stop"),
    "an error that is empty": (OWN, [frame(choices=[], error={}), words("Oui", "stop", error=False), DONE], "Oui", "stop"),
    "an error inside a choice": (OWN, [words("O"), frame(choices=[{"delta": {}, "error": {"code": 500}, "finish_reason": "stop"}]), DONE], "O", "error_object"),
    "a failure without the word error": (OWN, [frame(success=False, reason="x"), DONE], "", "interrupted"),
    "events of another protocol": (OWN, [b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"Oui"}}\n\n', b'event: message_stop\ndata: {"type":"message_stop"}\n\n'], "", "cut"),
    "lines of JSON without events": (OWN, [b'{"message":{"content":"O"},"done":false}\n{"message":{"content":"ui"},"done":true}\n'], "", "interrupted"),
    "an error in a list": (OWN, [b'[{"error":{"code":400,"message":"x"}}]'], "", "not_a_stream"),
    "an empty object": (OWN, [b"{}"], "", "interrupted"),
    "white space alone": (OWN, [words(" \n\n "), words("", "stop"), DONE], "", "stop"),
    "characters of no width alone": (OWN, [words("\u200b"), words("\ufeff\u2060", "stop"), DONE], "", "stop"),
    "white space before the words": (OWN, [words(" \n"), words("\nOui"), words("", "stop"), DONE], "Oui", "stop"),
    "white space, then a cut": (OWN, [words("\n")], "", "cut"),
    "white space, then the filter": (OWN, [words("\n"), words("", "content_filter"), DONE], "", "filtered"),
    "a text after every stop": (OWN, [words("O", "stop"), words("u", "stop"), words("i", "stop"), DONE, words("!", "stop")], "Oui", "stop"),
    "a refusal in a part": (OWN, [words([part("refusal", refusal="Non.")], "stop"), DONE], "Non.", "refused"),
    "a refusal after some words": (OWN, [words("Je "), words(None, refusal="ne veux pas."), words(None, "stop"), DONE], "Je ne veux pas.", "refused"),
    "a whole refusal": (OWN, [b'{"choices":[{"message":{"content":null,"refusal":"Non."},"finish_reason":"stop"}]}'], "Non.", "refused"),
    "a tool call in place of words": (OWN, [words(None, tool_calls=[{"function": {"name": "f"}}]), words(None, "tool_calls"), DONE], "", "interrupted"),
    "a tool call after words": (OWN, [words("Je cherche."), words(None, tool_calls=[{"function": {"name": "f"}}]), words(None, "stop"), DONE], "Je cherche.", "interrupted"),
    "a thought's tag with an attribute": (OWN, [words('<think lang="en">hm</think>Oui', "stop"), DONE], "Oui", "stop"),
    "a thought's tag with spaces": (OWN, [words("< think >hm</ think >Oui", "stop"), DONE], "Oui", "stop"),
    "channels": (OWN, [words("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Oui", "stop"), DONE], "Oui", "stop"),
    "channels with an end": (OWN, [words("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Oui<|return|>", "stop"), DONE], "Oui", "stop"),
    "triangles": (OWN, [words("◁think▷hm◁/think▷Oui", "stop"), DONE], "Oui", "stop"),
    "triangles, cut anywhere": (OWN, [words(piece) for piece in ("◁th", "ink▷h", "m◁", "/think", "▷O", "ui")] + [words("", "stop"), DONE], "Oui", "stop"),
    "a thought in words of its own": (OWN, [words("<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>Oui<|end_of_solution|>", "stop"), DONE], "Oui", "stop"),
    "a thought with a prefix": (OWN, [words("<seed:think>hm</seed:think>Oui", "stop"), DONE], "Oui", "stop"),
    "a part that is called a thought": (OWN, [words([part("text", text="hm", thought=True), part("text", text="Oui")], "stop"), DONE], "Oui", "stop"),
    "a delta that is called a thought": (OWN, [words("hm", extra_content={"google": {"thought": True}}), words("Oui", "stop"), DONE], "Oui", "stop"),
    "a whole answer that thinks in a field": (OWN, [b'{"choices":[{"message":{"reasoning_content":"hm","content":"Oui"},"finish_reason":"stop"}]}'], "Oui", "stop"),
    "a whole answer that thinks in tags": (OWN, [b'{"choices":[{"message":{"content":"<think>hm</think>\\n\\nOui"},"finish_reason":"stop"}]}'], "Oui", "stop"),
    "a thought, then the length limit": (OWN, [words("<think>hm"), words("</think>O", "length"), DONE], "O", "length"),
    "a thought after the words": (OWN, [words("Oui<think>hm</think>", "stop"), DONE], "Oui", "stop"),
    "a thought's tag with an attribute, cut anywhere": (OWN, [words(piece) for piece in ("<thin", "k la", 'ng="en', '">hm</', " think", " >Oui")] + [words("", "stop"), DONE], "Oui", "stop"),
    "marks of a turn's end": (OWN, [words("Oui<|im_"), words("end|>"), words("", "stop"), DONE], "Oui", "stop"),
    "a channel of another kind": (OWN, [words("<|channel|>commentary to=f <|mess"), words("age|>hm<|end|><|start|>assist"), words("ant<|channel|>final<|message|>Oui", "stop"), DONE], "Oui", "stop"),
    "an index on the first chunk alone": (OWN, [words("O"), frame(choices=[{"delta": {"content": "ui"}}]), frame(choices=[{"delta": {}, "finish_reason": "stop"}]), DONE], "Oui", "stop"),
    "usage without choices between the words": (OWN, [words("O"), frame(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 1}), words("ui"), words("", "stop"), DONE], "Oui", "stop"),
    "choices that are null between the words": (OWN, [words("O"), frame(choices=None, usage=None), words("ui"), words("", "stop"), DONE], "Oui", "stop"),
    "a delta that is null": (OWN, [frame(choices=[{"index": 0, "delta": None, "finish_reason": None}]), words("O"), frame(choices=[{"index": 0, "delta": None}]), words("ui"), frame(choices=[{"index": 0, "delta": None, "finish_reason": "stop"}]), DONE], "Oui", "stop"),
    "the role on a chunk of its own between the words": (OWN, [words("O"), frame(choices=[{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]), words("ui", role="assistant"), words("", "stop"), DONE], "Oui", "stop"),
    "words in parts among words in texts": (OWN, [words("O"), words([part("text", text="u")]), words("i"), words("", "stop"), DONE], "Oui", "stop"),
    "a part whose text is null": (OWN, [words([part("text", text=None), part("text", text="Oui")], "stop"), DONE], "Oui", "stop"),
    "an error whose code is a number": (OWN, [words("O"), frame(error={"message": "x", "code": 500}), DONE], "O", "error_object"),
    "an error whose code is a text": (OWN, [words("O"), frame(error={"message": "x", "code": "overloaded"}), DONE], "O", "error_object"),
    "an error whose code is null": (OWN, [words("O"), frame(error={"message": "x", "code": None}), DONE], "O", "error_object"),
    "an error of which the code alone is known": (OWN, [words("O"), frame(error=503), DONE], "O", "error_object"),
    "an error whose words are not under error": (OWN, [words("O"), frame(message="x", code=500, type="server_error"), DONE], "O", "error_object"),
    "an error code with a text of its own": (OWN, [frame(error_code=18, error_msg="x")], "", "cut"),
    "an error event with words in place of JSON": (OWN, [words("O"), b"event: error\ndata: overloaded\n\n", DONE], "O", "error_object"),
    "a comment within an event": (OWN, [b": x\n" + words("Oui", "stop"), b": y\ndata: [DONE]\n\n"], "Oui", "stop"),
    "lines that end in CRLF, cut anywhere": (OWN, [piece for text in ("O", "u", "i") for piece in (words(text)[:-2] + b"\r", b"\n\r", b"\n")] + [words("", "stop").replace(b"\n", b"\r\n"), b"data: [DONE]\r\n\r\n"], "Oui", "stop"),
    "a character in two pieces": (OWN, [b'data: {"choices":[{"delta":{"content":"\xc3', b'\xa9"}}]}\n\n', words("", "stop"), DONE], "é", "stop"),
    "a mathematical comparison": (OWN, [words("a <thinner b, [thin], a<|b", "stop"), DONE], "a <thinner b, [thin], a<|b", "stop"),
}  # fmt: skip


Vote = Literal["success", "failure", "none"]
# What the service does with a request, given the connection and all requests so far.
Script = Callable[[socket.socket, Sequence[bytes]], None]


@dataclass(frozen=True)
class Scenario:
    """`ending` is how the answer ends; where the person reads no text of the AI, the reason for the fallback instead.

    `reply` is a whole HTTP response or a script. `settings` are replaced, with {} for the service's address. `ask` asks
    the question in another way than once at the stream's door. A weak answer is one of a service that reports trouble.
    """

    seen_at: str
    reply: bytes | Script
    text: str
    ending: str
    vote: Vote
    settings: dict[str, Any] = field(default_factory=dict)
    ask: Callable[[Any, str], Iterable[dict[str, Any]]] | None = None
    is_weak: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether the answer is found again in the cache: only one that is known to be whole. Unknown with `ask`."""
        return self.ending == "stop" and self.ask is None and not self.is_weak

    @property
    def has_notice(self) -> bool:
        """Whether a notice says that this is not a whole answer, and why."""
        return self.ending != "stop" or self.is_weak


def of_dialect(seen_at: str, pieces: Sequence[bytes], text: str, ending: str) -> Scenario:
    """A dialect as it is met from the front door."""
    reply = CHUNKED + b"".join(map(chunk, pieces)) + END
    if ending in get_args(Ending):
        if text.strip():
            return Scenario(seen_at, reply, text, ending, "success")
        is_filtered = ending == "filtered"
        return Scenario(
            seen_at, reply, "", "ai_rejected" if is_filtered else "ai_error", "none" if is_filtered else "failure"
        )
    return Scenario(seen_at, reply, text, "interrupted" if text else "ai_error", "failure")


def response(status: str = "200 OK", body: Any = b"", *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, *headers, f"Content-Length: {len(data)}") + data


def stream(*pieces: bytes, headers: Sequence[str] = ()) -> bytes:
    return head("200 OK", *headers, "Transfer-Encoding: chunked") + b"".join(map(chunk, pieces)) + END


def closing(data: bytes) -> Script:
    """Send this and close the connection."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return serve


def resetting(data: bytes) -> Script:
    """Send this and reset the connection."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        connection.sendall(data)
        time.sleep(0.05)  # the reset would overtake the data
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return serve


def staying(data: bytes) -> Script:
    """Send this and leave the connection open until the client closes it."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        connection.sendall(data)
        connection.recv(1)

    return serve


def pausing(*pieces: bytes) -> Script:
    """Stay silent between these pieces for longer than a response's end is waited for."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        connection.sendall(CHUNKED)
        for number, piece in enumerate(pieces):
            time.sleep(2 * ResponseBody.END_SECONDS if number else 0)
            connection.sendall(chunk(piece))
        connection.sendall(END)

    return serve


def in_turn(*replies: bytes | Script) -> Script:
    """Each request gets the next reply; after the last one, that again."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        reply = replies[min(len(requests), len(replies)) - 1]
        connection.sendall(reply) if isinstance(reply, bytes) else reply(connection, requests)

    return serve


def silent_when_reused() -> Script:
    """Answer the first request of each connection, and no other one: as behind a middlebox that forgot it."""
    seen: set[int] = set()

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        if id(connection) not in seen:
            seen.add(id(connection))
            connection.sendall(GOOD)

    return serve


def strict(accepts: Callable[[bytes], bool], otherwise: bytes | None = None) -> Script:
    """Answer a request that is accepted; refuse every other one."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        connection.sendall(
            GOOD if accepts(requests[-1]) else otherwise or response("400 Bad Request", {"detail": "strict"})
        )

    return serve


def sent_messages(request: bytes) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = json.loads(request.partition(b"\r\n\r\n")[2])["messages"]
    return messages


def has_strict_turns(request: bytes) -> bool:
    """At most one system message, first; then user and assistant in turn, ending with the user."""
    roles = [message["role"] for message in sent_messages(request)]
    turns = roles[1:] if roles[0] == "system" else roles
    return "system" not in turns and turns == (["user", "assistant"] * len(turns))[: len(turns)] and len(turns) % 2 == 1


def is_sent_to(path: str, *headers: str) -> Callable[[bytes], bool]:
    def accepts(request: bytes) -> bool:
        head_lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        return head_lines[0] == f"POST {path} HTTP/1.1" and set(headers) <= set(head_lines)

    return accepts


SSE = "Content-Type: text/event-stream"
WHOLE = (words("Oui"), words("", "stop"), DONE)
GOOD = stream(*WHOLE, headers=[SSE])
FILTERED = stream(words("", "content_filter"), DONE, headers=[SSE])
JSON_ANSWER = {"choices": [{"message": {"content": "Oui"}, "finish_reason": "stop"}]}
OVERLOADED = response("503 Service Unavailable")
SHORT_WAIT: dict[str, Any] = {"AI_READ_TIMEOUT_CHAT": 0.4}


def refused(status: str, body: Any = b"", ending: str = "ai_rejected", seen_at: str = OWN, *headers: str) -> Scenario:
    return Scenario(seen_at, response(status, body, *headers), "", ending, "none")


def failing(
    reply: bytes | Script, ending: str = "ai_error", seen_at: str = OWN, *, ask: Any = None, **settings: Any
) -> Scenario:
    return Scenario(seen_at, reply, "", ending, "failure", settings, ask)


def whole(reply: bytes | Script, seen_at: str = OWN, *, ask: Any = None, **settings: Any) -> Scenario:
    return Scenario(seen_at, reply, "Oui", "stop", "success", settings, ask)


def cut(reply: bytes | Script, text: str = "Ou", seen_at: str = OWN, *, ask: Any = None, **settings: Any) -> Scenario:
    return Scenario(seen_at, reply, text, "interrupted", "failure", settings, ask)


MISCONFIGURED = "ai_misconfigured"
HTTP: dict[str, Scenario] = {
    # Statuses
    "401": refused("401 Unauthorized", {"error": "key"}, MISCONFIGURED, "anton#178"),
    "401 with a page": refused("401 Unauthorized", b"<html>", MISCONFIGURED),
    "402": refused("402 Payment Required", b"", MISCONFIGURED, "llmgateway#4052"),
    "403": refused("403 Forbidden", b"", MISCONFIGURED, "anton#178"),
    "403 with flagged input": refused("403 Forbidden", {"error": {"metadata": {"flagged_input": "x"}}}),
    "404": refused("404 Not Found", b"", MISCONFIGURED, "anton#178"),
    "404 for a model": refused("404 Not Found", {"error": {"code": "model_not_found"}}, MISCONFIGURED),
    "405": refused("405 Method Not Allowed", b"", MISCONFIGURED),
    "407": refused("407 Proxy Authentication Required", b"", MISCONFIGURED),
    "400": refused("400 Bad Request", {"error": {"message": "x"}}, seen_at="rome#211"),
    "400 for a model": refused("400 Bad Request", {"error": {"message": "Invalid model name passed in model=x"}}, MISCONFIGURED),
    "400 for a filter": refused("400 Bad Request", {"error": {"code": "content_filter"}}),
    "400 for a key": refused("400 Bad Request", [{"error": {"details": [{"reason": "API_KEY_INVALID"}]}}], MISCONFIGURED),
    "400 for a key, of LiteLLM": refused("400 Bad Request", {"error": {"message": "No connected db.", "type": "no_db_connection"}}, MISCONFIGURED),
    "409": refused("409 Conflict"),
    "413": refused("413 Content Too Large"),
    "422": refused("422 Unprocessable Entity", {"detail": [{"msg": "x"}]}),
    "451": refused("451 Unavailable For Legal Reasons"),
    "408": failing(response("408 Request Timeout")),
    "425": failing(response("425 Too Early")),
    "429": failing(response("429 Too Many Requests")),
    "429 for a quota": refused("429 Too Many Requests", {"error": {"code": "insufficient_quota"}}, MISCONFIGURED),
    "429 that asks to wait for 31 years": failing(response("429 Too Many Requests", b"", "Retry-After: 999999999"), seen_at="ironclaw#1351"),
    "429 that asks to wait for a time that is none": failing(response("429 Too Many Requests", b"", "Retry-After: soon")),
    "500": failing(response("500 Internal Server Error", {"error": "x"})),
    "503": failing(OVERLOADED),
    "529": failing(response("529 Overloaded")),
    "500, then an answer": whole(in_turn(response("500 Internal Server Error"), GOOD)),
    "503 twice, then an answer": whole(in_turn(OVERLOADED, OVERLOADED, GOOD)),
    "204": failing(response("204 No Content")),
    "201": whole(b"HTTP/1.1 201 Created" + GOOD.removeprefix(b"HTTP/1.1 200 OK")),
    "301": refused("301 Moved Permanently", b"", MISCONFIGURED, OWN, "Location: /v1/chat/completions/"),
    "302 to a page": refused("302 Found", b"", MISCONFIGURED, OWN, "Location: /login"),
    "307 within the origin": whole(in_turn(response("307 Temporary Redirect", b"", "Location: /elsewhere"), GOOD)),
    "308 within the origin": whole(in_turn(response("308 Permanent Redirect", b"", "Location: /elsewhere"), GOOD)),
    "307 to another origin": refused("307 Temporary Redirect", b"", MISCONFIGURED, OWN, "Location: https://a.example/v1"),
    "307 in a circle": refused("307 Temporary Redirect", b"", MISCONFIGURED, OWN, "Location: /v1/chat/completions?again"),
    # Heads
    "100 before the response": whole(head("100 Continue") + GOOD),
    "102 before the response": whole(head("102 Processing") + GOOD, "snoyberg/http-client#521"),
    "103 before the response": whole(head("103 Early Hints", "Link: </a>") * 2 + GOOD, "snoyberg/http-client#521"),
    "103 without an end": failing(head("103 Early Hints") * 30 + GOOD),
    "120 headers": whole(stream(*WHOLE, headers=[f"X-{number}: x" for number in range(120)]), "cpython#131724"),
    "a header of 70,000 characters": failing(stream(*WHOLE, headers=[f"X-Long: {'x' * 70_000}"])),
    "headers in lower case": whole(GOOD.replace(b"Transfer-Encoding", b"transfer-encoding")),
    "no content type": whole(stream(*WHOLE)),
    "the type of a page, the body of a stream": whole(stream(*WHOLE, headers=["Content-Type: text/html"])),
    "a status line of another protocol": failing(closing(b"220 smtp.example ESMTP\r\n")),
    "a login page": failing(response("200 OK", b"<html><form>", "Content-Type: text/html")),
    # Bodies
    "a body of known length": whole(response("200 OK", b"".join(WHOLE), SSE)),
    "a body until the connection closes": whole(closing(head("200 OK", SSE, "Connection: close") + b"".join(WHOLE))),
    "HTTP/1.0": whole(closing(b"HTTP/1.0 200 OK\r\n\r\n" + b"".join(WHOLE))),
    "a length that is too long": whole(closing(head("200 OK", SSE, "Content-Length: 9999") + b"".join(WHOLE))),
    "a length that is too short": cut(head("200 OK", SSE, f"Content-Length: {len(words('Ou'))}") + words("Ou") + words("i", "stop")),
    "compressed as a whole": whole(response("200 OK", gzip.compress(b"".join(WHOLE)), "Content-Encoding: gzip")),
    "compressed event by event": whole(stream(*map(gzip.compress, WHOLE), headers=["Content-Encoding: gzip"]), "sglang#25811"),
    "said to be compressed, and is not": failing(stream(*WHOLE, headers=["Content-Encoding: gzip"])),
    "chunks with extensions": whole(head("200 OK", "Transfer-Encoding: chunked") + b"".join(chunk(piece).replace(b"\r\n", b";a=b\r\n", 1) for piece in WHOLE) + END),
    "trailers after the last chunk": whole(GOOD.removesuffix(b"\r\n") + b"X-Checksum: 1\r\n\r\n"),
    "a chunk whose size is no number": cut(head("200 OK", "Transfer-Encoding: chunked") + chunk(words("Ou")) + b"zz\r\n"),
    "JSON of known length": whole(response("200 OK", JSON_ANSWER, "Content-Type: application/json"), "reported to us"),
    "JSON without a reason": Scenario(OWN, response("200 OK", {"choices": [{"message": {"content": "Oui"}}]}), "Oui", "interrupted", "success"),
    "an error as JSON with status 200": failing(response("200 OK", {"error": {"message": "x"}})),
    "a word of which each byte comes alone": whole(stream(*(bytes([byte]) for byte in b"".join(WHOLE)))),
    "compressed by the transfer": whole(head("200 OK", SSE, "Transfer-Encoding: gzip, chunked") + chunk(gzip.compress(b"".join(WHOLE))) + END),
    "compressed in a way that nobody asked for": failing(response("200 OK", b"\x28\xb5\x2f\xfd\x04\x00\x49\x00\x00Oui", "Content-Encoding: zstd")),
    "an encoding that is none": whole(response("200 OK", b"".join(WHOLE), SSE, "Content-Encoding: none")),
    "a length beside chunks": whole(stream(*WHOLE, headers=["Content-Length: 7"])),
    "a status without words": whole(GOOD.replace(b"200 OK", b"200")),
    "a head whose lines end in LF": whole(GOOD.replace(b"\r\n", b"\n", 2).replace(b"\r\n\r\n", b"\n\n", 1)),
    # Connections
    "closed at once": failing(closing(b"")),
    "closed at once, then an answer": whole(in_turn(closing(b""), GOOD)),
    "closed after the head": failing(closing(CHUNKED)),
    "closed within the head": failing(closing(b"HTTP/1.1 200 OK\r\nContent-")),
    "closed after a word": cut(closing(CHUNKED + chunk(words("Ou")))),
    "closed within an event": cut(closing(CHUNKED + chunk(words("Ou")) + chunk(words("i", "stop")[:20]))),
    "reset after a word": cut(resetting(CHUNKED + chunk(words("Ou")))),
    "reset after the stop": whole(resetting(CHUNKED + chunk(words("Oui", "stop")))),
    "left open after the stop": whole(staying(CHUNKED + chunk(words("Oui", "stop"))), "vllm-mlx#101", **SHORT_WAIT),
    "left open after a stop on a chunk of its own": whole(staying(CHUNKED + chunk(words("Oui")) + chunk(words("", "stop"))), "vllm-mlx#101"),
    "left open after [DONE]": whole(staying(CHUNKED + b"".join(map(chunk, WHOLE)))),
    "left open after a word": cut(staying(CHUNKED + chunk(words("Ou"))), **SHORT_WAIT),
    "left open after JSON of known length": whole(staying(response("200 OK", JSON_ANSWER))),
    "a stop on every word, and a silence between": whole(pausing(words("O", "stop"), words("ui", "stop"), DONE), "one-api#1477"),
    "a stop that words contradict, and a silence after": Scenario(OWN, pausing(words("O") + words("", "stop") + words("u"), words("i"), DONE), "Oui", "interrupted", "success"),
    "no byte": failing(staying(b""), "timeout", **SHORT_WAIT),
    "a head and no byte": failing(staying(CHUNKED), "timeout", **SHORT_WAIT),
    "comments and no word": failing(closing(CHUNKED + chunk(b": wait\n\n") * 3), seen_at="envoy ai-gateway#1927"),
    # Addresses and options
    "an address without a path": whole(strict(is_sent_to("/v1/chat/completions"))),
    "an address that ends in /v1": whole(strict(is_sent_to("/v1/chat/completions")), "agentmemory#628", AI_SERVICE_URL="{}/v1"),
    "an address with a path": whole(strict(is_sent_to("/v1beta/openai/chat/completions")), AI_SERVICE_URL="{}/v1beta/openai/"),
    "an address copied with its path": whole(strict(is_sent_to("/v1/chat/completions")), AI_SERVICE_URL="{}/v1/chat/completions"),
    "an address of Azure": whole(
        strict(is_sent_to("/openai/deployments/d/chat/completions?api-version=1", "api-key: k")),
        AI_SERVICE_URL="{}/openai/deployments/d?api-version=1", AI_SERVICE_API_KEY="k",
    ),
    "a service that wants the key": whole(strict(is_sent_to("/v1/chat/completions", "Authorization: Bearer k")), AI_SERVICE_API_KEY="k"),
    "stream_options are refused with 422": whole(strict(lambda request: b'"stream_options"' not in request, response("422 No", {"detail": "extra"})), "openai-agents-python#442"),
    "stream_options are refused with 400": whole(strict(lambda request: b'"stream_options"' not in request), "openai-agents-python#442"),
}  # fmt: skip


Parts = Iterable[dict[str, Any]]


def ask_once(visitor: Any, question: str) -> Parts:
    return parse_parts(visitor.stream(question).streaming_content)


def after_other_questions(count: int) -> Callable[[Any, str], Parts]:
    """Ask so many other questions before."""

    def ask(visitor: Any, question: str) -> Parts:
        for number in range(count):
            visitor.ask(f"{question} Et le numéro {number} ?")
        return ask_once(visitor, question)

    return ask


def as_follow_up(visitor: Any, question: str) -> Parts:
    """Ask in the conversation of another question."""
    first = visitor.ask(f"{question} Une première fois.").json()
    return parse_parts(visitor.stream(question, conversationId=first["conversationId"]).streaming_content)


def as_regeneration(visitor: Any, question: str) -> Parts:
    """Ask, and ask for another answer, as useChat does."""
    user = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": question}]}
    body = {"id": "chosen", "messages": [user]}
    visitor.post_json("/api/chat/stream", body | {"trigger": "submit-message"}).getvalue()
    again = visitor.post_json("/api/chat/stream", body | {"trigger": "regenerate-message"})
    return parse_parts(again.streaming_content)


def after_another_service(visitor: Any, question: str) -> Parts:
    """Ask one service, which is then replaced by another at the same host."""
    visitor.ask(question)
    return _at_another_service(visitor, question)


def after_an_open_circuit(visitor: Any, question: str) -> Parts:
    """Ask while the circuit of the service that was replaced is open."""
    breaker_registry.get("chat").force("open", who="a test", reason="a test", seconds=None)
    return _at_another_service(visitor, question)


def after_readiness(visitor: Any, question: str) -> Parts:
    """Ask after `/readyz` was asked."""
    visitor.get("/readyz")
    return ask_once(visitor, question)


def at_a_half_open_circuit(visitor: Any, question: str) -> Parts:
    """Ask six times while the circuit is half-open, which none of the answers may close."""
    breaker = breaker_registry.get("chat")
    breaker.force("open", who="a test", reason="a test", seconds=0.05)
    eventually(lambda: breaker.snapshot().retry_after == 0)
    parts = list(after_other_questions(5)(visitor, question))
    assert breaker.snapshot().state == "half_open"
    return parts


def _at_another_service(visitor: Any, question: str) -> Parts:
    settings.AI_SERVICE_URL += "/v2"
    session.get.cache_clear()
    return ask_once(visitor, question)


def in_a_conversation_of(*messages: tuple[str, str]) -> Callable[[Any, str], Parts]:
    """Ask through the OpenAI-compatible door, after these messages."""

    def ask(visitor: Any, question: str) -> Parts:
        turns = [{"role": role, "content": content} for role, content in (*messages, ("user", question))]
        reply = visitor.post_json("/v1/chat/completions", {"model": "x", "messages": turns}).json()
        (choice,) = reply["choices"]
        yield {"type": "text-delta", "delta": choice["message"]["content"]}
        yield {"messageMetadata": {"origin": "ai", "ending": choice["finish_reason"]}, "type": "finish"}

    return ask


def of_a_benefit(visitor: Any, question: str) -> Parts:
    """Ask what the knowledge base has long passages about."""
    return ask_once(visitor, f"Comment demander l'AEEH et son complément ? {question}")


def of_a_document(visitor: Any, question: str) -> Parts:
    """Have a letter explained."""
    body = {"document": f"Votre dossier du 3 mai 2026. {question}", "documentType": "mdph", "fileName": "a.txt"}
    reply = visitor.post_json("/api/chat/analyze-document", body).json()
    is_ai = reply["degraded"] is None or reply["degraded"]["reason"] == "interrupted"
    yield {"type": "text-delta", "delta": reply["analysis"]}
    if reply["degraded"] or reply["ending"] != "stop":
        yield {"type": "data-notice", "data": reply["degraded"]}
    yield {"type": "finish", "messageMetadata": {"origin": "ai" if is_ai else "fallback", "ending": reply["ending"]}}


def holds(*texts: str) -> Callable[[bytes], bool]:
    """Whether the messages are in strict turns and hold these texts."""

    def accepts(request: bytes) -> bool:
        sent = "\n".join(message["content"] for message in sent_messages(request))
        return has_strict_turns(request) and all(text in sent for text in texts)

    return accepts


def has_no_answers(request: bytes) -> bool:
    return has_strict_turns(request) and all(message["role"] != "assistant" for message in sent_messages(request))


def dropping_longer_than(size: int) -> Script:
    """Close the connection of a request with more bytes, as llama-cpp-python does with a prompt beyond its context."""

    def serve(connection: socket.socket, requests: Sequence[bytes]) -> None:
        reply = GOOD if len(requests[-1]) <= size else closing(b"")
        connection.sendall(reply) if isinstance(reply, bytes) else reply(connection, requests)

    return serve


LONG = "Voici ma consigne. " * 480
EXCHANGES = [
    turn for number in range(6) for turn in (("user", f"Question {number}. {LONG[:3000]}"), ("assistant", LONG[:3000]))
]
STORIES: dict[str, Scenario] = {
    "five filtered answers to others before": whole(in_turn(*[FILTERED] * 5, GOOD), "semantic-kernel#5289", ask=after_other_questions(5)),
    "five refused requests of others before": whole(in_turn(*[response("400 Bad Request")] * 5, GOOD), ask=after_other_questions(5)),
    "five requests that are too long before": whole(in_turn(*[response("413 Content Too Large")] * 5, GOOD), ask=after_other_questions(5)),
    "a question that was never answered before": whole(in_turn(*[OVERLOADED] * 3, strict(has_strict_turns)), "mistral-vibe#255", ask=as_follow_up),
    "an outage before, and our apology for it": whole(in_turn(*[OVERLOADED] * 3, strict(has_no_answers)), "clawbolt#283", ask=as_follow_up),
    "a cut answer before": whole(in_turn(closing(CHUNKED + chunk(words("Ou"))), strict(has_strict_turns)), "vllm#6862", ask=as_follow_up),
    "a connection that was closed since the last question": whole(closing(GOOD), "LLMKube#459", ask=after_other_questions(1)),
    "a connection that stays silent since the last question": whole(silent_when_reused(), "LLMKube#459", ask=after_other_questions(1), AI_STALE_SECONDS=0.3),
    "another answer is asked for": whole(strict(has_no_answers), "cloudflare/agents#1012", ask=as_regeneration),
    "another service since the last answer": Scenario(
        "dspy#10006", in_turn(GOOD, stream(words("Autre"), words("", "stop"), DONE)), "Autre", "stop", "success", ask=after_another_service,
    ),
    "another service since the circuit opened": whole(GOOD, "reported to us", ask=after_an_open_circuit),
    "404 six times, at a half-open circuit": Scenario("smg#2565", response("404 Not Found"), "", MISCONFIGURED, "none", ask=at_a_half_open_circuit),
    "a service that may be asked once": whole(in_turn(GOOD, OVERLOADED), "litellm#13668", ask=after_readiness),
    "one system message alone": whole(strict(has_strict_turns), "suitenumerique/conversations#197", ask=in_a_conversation_of(("system", "Un."), ("system", "Deux."))),
    "a system text of 9,000 characters": whole(strict(holds("Voici ma consigne.")), "LibreChat#5466", ask=in_a_conversation_of(("system", LONG))),
    "a system text and six long exchanges": whole(strict(holds("Soyez bref.", "Question 5")), "LibreChat#5466", ask=in_a_conversation_of(("system", "Soyez bref."), *EXCHANGES)),
    "a greeting before the first question": whole(strict(holds("Bienvenue !")), "LibreChat#5466", ask=in_a_conversation_of(("assistant", "Bienvenue !"))),
    "one exchange that is too long": whole(strict(holds("Voici ma consigne.")), "LibreChat#5466", ask=in_a_conversation_of(("user", LONG), ("assistant", LONG))),
    "three questions in a row": whole(strict(has_strict_turns), ask=in_a_conversation_of(("user", "Un."), ("user", "Deux."))),
    "a prompt beyond a context of 2,048 tokens": whole(dropping_longer_than(2048 * 3), "reported to us", ask=of_a_benefit, AI_CONTEXT_TOKENS=1800),
    "a document whose analysis is white space": failing(stream(words(" \n\t"), words("", "stop"), DONE), seen_at="mike#379", ask=of_a_document),
    "a document whose analysis reaches the length limit": Scenario("chat-ui#2385", stream(words("Oui", "length"), DONE), "Oui", "length", "success", ask=of_a_document),
    "a document whose analysis is cut": cut(closing(CHUNKED + chunk(words("Ou"))), ask=of_a_document),
}  # fmt: skip


def rag(reply: Any, seen_at: str = OWN, *, text: str = "Oui", is_weak: bool = False) -> Scenario:
    """An answer of a service that speaks the RAG protocol."""
    body = reply if isinstance(reply, bytes) else response("200 OK", reply, "Content-Type: application/json")
    return Scenario(seen_at, body, text, "stop", "success", {"AI_SERVICE_PROTOCOL": "rag"}, is_weak=is_weak)


def rag_failing(reply: Any) -> Scenario:
    body = reply if isinstance(reply, bytes) else response("200 OK", reply)
    return failing(body, AI_SERVICE_PROTOCOL="rag")


RAG: dict[str, Scenario] = {
    "RAG: sources as titles": rag({"response": "Oui", "sources": ["Guide", "Fiche"]}, "reported to us"),
    "RAG: sources as objects": rag({"answer": "Oui", "sources": [{"title": "Guide", "url": "https://a.example/"}]}),
    "RAG: sources of every kind": rag({"answer": "Oui", "sources": [None, 1, [], {}, "Guide", {"url": "javascript:x"}]}),
    "RAG: sources that are null": rag({"answer": "Oui", "sources": None, "suggestions": None}),
    "RAG: NUL in suggestions and sources": rag({"answer": "Oui", "sources": ["A\0B"], "suggestions": ["C\0D"]}, "open-webui#15616"),
    "RAG: NUL and half a character in the answer": rag(response("200 OK", b'{"answer":"O\\u0000ui\\ud83d"}'), text="Oui\ufffd"),
    "RAG: no answer": rag_failing({"sources": []}),
    "RAG: an empty answer": rag_failing({"answer": " \u200b"}),
    "RAG: an answer that is no text": rag_failing({"answer": {"x": 1}}),
    "RAG: an error with status 200": rag_failing({"error": "x", "answer": "Oui"}),
    "RAG: no success with status 200": rag_failing({"success": False, "answer": "Désolé"}),
    "RAG: in trouble with status 200": rag({"degraded": True, "answer": "Oui"}, is_weak=True),
    "RAG: an unknown status": rag({"status": "limping", "answer": "Oui"}, is_weak=True),
    "RAG: a page": rag_failing(response("200 OK", b"<html>")),
    "RAG: cut": rag_failing(response("200 OK", b'{"answer":"Ou')),
    "RAG: refuses the key": Scenario(OWN, response("401 Unauthorized"), "", MISCONFIGURED, "none", {"AI_SERVICE_PROTOCOL": "rag"}),
}  # fmt: skip

SCENARIOS = {name: of_dialect(*row) for name, row in DIALECTS.items()} | HTTP | STORIES | RAG
