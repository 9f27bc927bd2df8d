"""The OpenAI-compatible door: existing clients and tools point their base address here."""

from __future__ import annotations

from functools import partial
from itertools import chain
from time import perf_counter
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router
from ninja.errors import ValidationError
from pydantic import ConfigDict, Field, model_validator

from chat import answering
from chat.api import EVENTS, caller_of, language
from chat.models import new_public_id
from chat.questions import Question, Turn
from chat.schemas import MAX_MESSAGE, Shape, Text
from chat.transcripts import Transcript
from chat.wire import headers, leaving, openai, plain, sse, whole

router = Router(tags=["openai"])

_ROLES: dict[str, Literal["user", "assistant", "system"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
UNSUPPORTED = ("tools", "functions", "audio", "logprobs", "response_format")


class OpenAIShape(Shape):
    """Named as OpenAI names things, where our own JSON is camelCase."""

    model_config = ConfigDict(extra="ignore")


class ContentPart(OpenAIShape):
    type: str
    text: Text = ""


class CompletionMessage(OpenAIShape):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[ContentPart] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> CompletionMessage:
        """Only an assistant may have said nothing: it called a tool, or refused."""
        if self.content is None and self.role != "assistant":
            raise ValueError("content is missing")
        return self

    @property
    def parts(self) -> list[ContentPart]:
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.parts)


class StreamOptions(OpenAIShape):
    include_usage: bool = False


class CompletionIn(OpenAIShape):
    """What a client may ask for.

    Accepted and ignored, because answers are shared and the service decides how they are made: `temperature`, `top_p`,
    `max_tokens`, `max_completion_tokens`, `stop`, `seed`, `presence_penalty`, `frequency_penalty`, `logit_bias`,
    `user`, `metadata`, `store`, and whatever else is not listed here. `model` must be there, and any will do.
    """

    model: Annotated[Text, Field(max_length=200)]
    messages: list[CompletionMessage] = Field(min_length=1, max_length=200)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    # These change what is answered, and we can't honour them: better a clear no than an answer to another question.
    tools: Any = None
    functions: Any = None
    audio: Any = None
    logprobs: Any = None
    response_format: Any = None


@router.post("/chat/completions", response={200: dict[str, Any]}, openapi_extra=EVENTS)
def complete(request: HttpRequest, body: CompletionIn) -> HttpResponse | StreamingHttpResponse:
    """Answer the last message; the ones before it are the conversation. Nothing is kept in a history."""
    began = perf_counter()
    answer = answering.answer(_question(request, body), door="openai")
    answer.keep_receipt()
    reader = new_public_id()
    reply = openai.Reply(f"chatcmpl-{reader}", settings.AI_SERVICE_MODEL)
    batches = leaving.attended(request, answer.read(reader=reader), partial(answer.leave, reader))
    if not body.stream:
        transcript = plain.gather(batches)
        return whole.reply(reply.whole(transcript), headers.of_answer(answer.cache_verdict, began, transcript))
    opening = plain.opening(batches)
    include_usage = body.stream_options is not None and body.stream_options.include_usage
    frames = reply.stream(chain([opening], batches), include_usage=include_usage)
    told = headers.of_answer(answer.cache_verdict, began, Transcript(opening))
    return StreamingHttpResponse(frames, headers=sse.HEADERS | told)


def _question(request: HttpRequest, body: CompletionIn) -> Question:
    _refuse_what_we_cannot_honour(body)
    *earlier, last = body.messages
    if last.role != "user" or not last.text.strip():
        raise _refusal("the last message must be the user's, with text in it", "messages")
    if len(last.text) > MAX_MESSAGE:
        raise _refusal(f"a message may have {MAX_MESSAGE} characters at most", "messages")
    history = tuple(Turn(_ROLES[message.role], message.text) for message in earlier if message.text)
    return Question(last.text.strip(), language(request, last.text), caller_of(request), history)


def _refuse_what_we_cannot_honour(body: CompletionIn) -> None:
    """Raises ValidationError for what would change the answer."""
    for name in UNSUPPORTED:
        wanted = getattr(body, name)
        if wanted and not (name == "response_format" and wanted == {"type": "text"}):
            raise _refusal("not supported here", name)
    for number, message in enumerate(body.messages):
        if any(part.type != "text" for part in message.parts):
            raise _refusal("content other than text is not supported here", "messages", number, "content")


def _refusal(why: str, *param: str | int) -> ValidationError:
    return ValidationError([{"loc": ("body", "data", *param), "msg": why}])


@router.get("/models", response={200: dict[str, Any]})
def list_models(request: HttpRequest) -> dict[str, Any]:
    """The one model that answers here."""
    return openai.models(settings.AI_SERVICE_MODEL)
