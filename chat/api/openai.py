"""The OpenAI-compatible endpoints, for existing clients and tools."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain, takewhile
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router
from ninja.errors import ValidationError
from pydantic import Field, StrictBool, model_validator

from chat.api import error_fallback
from chat.api.request_context import (
    EVENT_STREAM,
    caller_token_of,
    language_for,
    read_to_end_while_connected,
)
from chat.api.schemas import MAX_MESSAGE, Shape, Text
from chat.core.question import Question, Turn
from chat.core.transcript import Transcript
from chat.encoders import client_disconnect, headers, json_body, openai, sse
from chat.encoders.outlet import outlet_to
from chat.models import new_public_id
from chat.pipeline import question_answering
from observability import response_stream, routes
from observability.caller import caller_of

router = Router(tags=["openai"])

_ROLES: dict[str, Literal["user", "assistant", "system"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_TOOL_ROLES = ("tool", "function")  # not a set, which can't be asked about any JSON
# Of the messages before the question, with which clients send the whole conversation. The prompt has room for fewer.
EARLIER_MESSAGES = 200
UNSUPPORTED = ("tools", "functions", "audio", "logprobs", "response_format")


class ContentPart(Shape):
    type: str
    text: Text = ""


class CompletionMessage(Shape):
    """The result of a tool (`tool`, formerly `function`) is left out of the conversation, and may be anything."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[ContentPart] | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_result(cls, data: Any) -> Any:
        is_result = isinstance(data, dict) and data.get("role") in _TOOL_ROLES
        return data | {"content": None} if is_result else data

    @model_validator(mode="after")
    def _check_content(self) -> CompletionMessage:
        """Of the others, only an assistant message may have no content: it called a tool or refused."""
        if self.content is None and self.role not in {"assistant", *_TOOL_ROLES}:
            raise ValueError("content is missing")
        return self

    @property
    def parts(self) -> list[ContentPart]:
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.parts)


class StreamOptions(Shape):
    include_usage: StrictBool | None = None


class CompletionIn(Shape):
    """The body of a completion request.

    Ignored, because answers are shared between clients: `temperature`, `top_p`, `max_tokens`, `max_completion_tokens`,
    `stop`, `seed`, `presence_penalty`, `frequency_penalty`, `logit_bias`, `user`, `metadata`, `store`, and every field
    that is not listed here. `model` is required and may have any value.
    """

    model: Annotated[Text, Field(max_length=200)]
    messages: list[CompletionMessage] = Field(min_length=1)
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    # Refused, because they would change the answer and are not supported.
    tools: Any = None
    functions: Any = None
    audio: Any = None
    logprobs: Any = None
    response_format: Any = None


@routes.traits(answers="completion")
@router.post(
    "/chat/completions",
    summary="Complete a chat, as OpenAI does",
    response={200: dict[str, Any]},
    openapi_extra=EVENT_STREAM,
)
def complete(request: HttpRequest, body: CompletionIn) -> HttpResponse | StreamingHttpResponse:
    """Answer the last message. Opening instructions and the newest others are its conversation, which is not stored."""
    answer = question_answering.answer(_question(request, body), caller_of(request), entrypoint="openai")
    answer.save_provenance()
    reader = new_public_id()
    encoder = openai.CompletionEncoder(f"chatcmpl-{reader}", settings.AI_SERVICE_MODEL)
    if not body.stream:
        transcript = read_to_end_while_connected(request, answer, reader)
        answer_headers = headers.of_answer(answer.cache_status, answer.started_at, transcript)
        return json_body.response(encoder.complete(transcript), answer_headers)
    outlet = outlet_to(request)
    # This client can't resume: it is unsubscribed when it disconnects.
    batches = client_disconnect.cancel_on_disconnect(
        request, answer.read(reader, outlet), partial(answer.unsubscribe, reader)
    )
    opening = headers.read_opening(batches)
    include_usage = body.stream_options is not None and bool(body.stream_options.include_usage)
    writer = encoder.writer(include_usage=include_usage)
    frames = error_fallback.end_after_error(writer, writer.stream(chain([opening], batches), outlet=outlet), request)
    answer_headers = headers.of_answer(answer.cache_status, answer.started_at, Transcript(opening))
    response = StreamingHttpResponse(frames, headers=sse.HEADERS | answer_headers)
    response_stream.count_pushed(response, outlet)
    return response


def _question(request: HttpRequest, body: CompletionIn) -> Question:
    _refuse_unsupported(body)
    *earlier, last = body.messages
    if last.role != "user" or not last.text.strip():
        raise _invalid("the last message must be the user's, with text in it", "messages")
    if len(last.text) > MAX_MESSAGE:
        raise _invalid(f"a message may have {MAX_MESSAGE} characters at most", "messages")
    return Question(
        last.text.strip(),
        language_for(request, last.text),
        caller_of(request).id,
        _history(earlier),
        caller_token=caller_token_of(request),
    )


def _history(earlier: Sequence[CompletionMessage]) -> tuple[Turn, ...]:
    """The client's instructions at the beginning, and the newest messages after them."""
    turns = [Turn(_ROLES[message.role], message.text) for message in earlier if message.text]
    instructions = list(takewhile(lambda turn: turn.role == "system", turns))
    spoken = turns[len(instructions) :]
    return (*instructions[:EARLIER_MESSAGES], *spoken[-EARLIER_MESSAGES:])


def _refuse_unsupported(body: CompletionIn) -> None:
    """Raises ValidationError."""
    for name in UNSUPPORTED:
        value = getattr(body, name)
        if value and not (name == "response_format" and value == {"type": "text"}):
            raise _invalid("not supported here", name)
    # The question may begin before the last message. A picture before an answer is left out of the conversation.
    numbered = reversed(list(enumerate(body.messages)))
    for number, message in takewhile(lambda pair: pair[1].role != "assistant", numbered):
        if any(part.type != "text" for part in message.parts):
            text = "content other than text is not supported here: remove it from the messages"
            raise _invalid(text, "messages", number, "content")


def _invalid(message: str, *path: str | int) -> ValidationError:
    return ValidationError([{"loc": ("body", "data", *path), "msg": message}])


@router.get("/models", summary="List the models", response={200: dict[str, Any]})
def list_models(request: HttpRequest) -> dict[str, Any]:
    """List the only model."""
    return openai.models(settings.AI_SERVICE_MODEL)
