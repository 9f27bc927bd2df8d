"""The JSON bodies of requests and responses, in camelCase."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal, TypeVar, get_args

import pydantic
from ninja.errors import ValidationError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from chat.core.events import DegradedReason, Ending, Origin
from chat.documents.facts import DateKind, ReferenceKind, SenderKind
from chat.documents.unreadable import Part
from chat.history.conversations import Replacement

MAX_MESSAGE = 4000
MAX_DOCUMENT_TEXT = 512 * 1024  # in JSON, the limit of any JSON body; a larger document is sent as a file
MAX_FILE_NAME = 200  # systems allow 255, and a message has its name in its title
MAX_SUFFIX = 10
MAX_NUMBER = 2**53 - 1  # every JSON parser represents an integer up to here exactly, and no other number as it


def _check_encodable(text: str) -> str:
    """PostgreSQL stores neither null characters nor unpaired surrogates."""
    if "\0" in text:
        raise ValueError("must not contain null characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"


class Encodable:
    """Annotates a text that `_check_encodable` validates; `pattern` describes it in the OpenAPI document."""

    def __init__(self, pattern: str = r"^[^\x00]*$") -> None:
        self.pattern = pattern

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_check_encodable, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


def _shortened(file_name: str) -> str:
    """At most MAX_FILE_NAME characters, with the suffix, which tells what the file is."""
    if len(file_name) <= MAX_FILE_NAME:
        return file_name
    suffix = PurePath(file_name).suffix[:MAX_SUFFIX]
    return f"{file_name[: MAX_FILE_NAME - len(suffix) - 1]}…{suffix}"


Text = Annotated[str, Encodable()]
FileName = Annotated[str, Encodable(), AfterValidator(_shortened)]
MessageText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE),
    Encodable(NOT_BLANK),
]
# A short fact about the person that the client adds to a question.
Fact = (
    Annotated[str, StringConstraints(max_length=500), Encodable()]
    | StrictBool
    | Annotated[int, Field(strict=True, ge=-MAX_NUMBER, le=MAX_NUMBER)]
    | Annotated[float, Field(strict=True, ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
    | None
)
Facts = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64), Encodable()], Fact],
    Field(max_length=20, json_schema_extra={"additionalProperties": False}),
]
PublicId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
# Some clients send "" for none.
OptionalId = Annotated[
    PublicId | None,
    BeforeValidator(lambda value: None if value == "" else value),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^[A-Za-z0-9_-]{0,64}$"}, {"type": "null"}]}),
]
ListPosition = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,16}-[0-9]{1,18}$")]
RowNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]


class Shape(pydantic.BaseModel):
    """The base of all JSON bodies.

    Not ninja's Schema, which can also read Django objects and therefore takes 25 µs more for each message.
    """


class CamelCase(Shape):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class MessageIn(CamelCase):
    message: MessageText
    # Empty, as in an answer that belongs to no conversation: a new one.
    conversation_id: OptionalId = None
    context: Facts = Field(default_factory=dict)


Body = TypeVar("Body", bound=CamelCase)


def parse_body(schema: type[Body], data: bytes | dict[str, Any]) -> Body:
    """Parse a body that ninja does not parse for the view. Raises the same ValidationError as ninja."""
    try:
        return schema.model_validate(data) if isinstance(data, dict) else schema.model_validate_json(data)
    except pydantic.ValidationError as error:
        rows = error.errors(include_url=False, include_input=False)
        raise ValidationError([{**row, "loc": ("body", "data", *row["loc"])} for row in rows]) from None


class UIPart(CamelCase):
    """A part of a message. A file is read if its `url` has its content (`data:`)."""

    type: str
    text: Text = ""
    url: str = ""
    filename: FileName | None = None


class UIMessage(CamelCase):
    """A message of the AI SDK, with `parts`, or with a text or parts as its `content`."""

    id: str | None = None
    role: Literal["user", "assistant", "system"]
    parts: Annotated[list[UIPart], Field(max_length=200)] | None = None
    content: Text | Annotated[list[UIPart], Field(max_length=200)] | None = None

    @property
    def text(self) -> str:
        text = "".join(part.text for part in self._parts if part.type == "text")
        return text or (self.content if isinstance(self.content, str) else "")

    @property
    def files(self) -> list[UIPart]:
        return [part for part in self._parts if part.type == "file"]

    @property
    def _parts(self) -> list[UIPart]:
        return self.parts or (self.content if isinstance(self.content, list) else [])


class SDKIn(CamelCase):
    """The body that the AI SDK's transport sends. Only the last message is used; its role must be `user`.

    `regenerate-message` answers it anew, in place of its last answer. A `messageId` of an earlier question replaces
    that question and all that followed. `id` has up to 64 letters, digits, `-` and `_`: it is part of addresses.
    """

    id: PublicId | None = None
    messages: list[UIMessage] = Field(min_length=1)
    trigger: str = ""
    message_id: str | None = None
    context: Facts | None = None


class StreamIn(MessageIn):
    """Either `{message, conversationId?, context?}` or the AI SDK's `{id, messages, trigger, context?}`."""

    # The AI SDK generates the ids of the conversation and of the question in the client.
    id_is_from_client: bool = False
    question_id: str = ""
    files: list[UIPart] = []
    has_text: bool = True  # else it is a file alone, and `message` is the file's name
    trigger: str = ""
    replaced_id: str | None = None

    @property
    def regenerates(self) -> bool:
        return self.trigger == "regenerate-message"

    @property
    def replacement(self) -> Replacement | None:
        """The stored question that this message replaces; None if it is a further one."""
        ids = tuple(filter(None, (self.replaced_id, self.question_id)))
        if self.regenerates:
            return Replacement(ids, self.message)
        if self.replaced_id and self.trigger == "submit-message":
            return Replacement(ids)
        return Replacement((self.question_id,), self.message, is_repeat=True) if self.question_id else None

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        forms = [handler(form.__pydantic_core_schema__) for form in (MessageIn, SDKIn)]
        return {"title": cls.__name__, "description": cls.__doc__, "anyOf": forms}

    @model_validator(mode="before")
    @classmethod
    def _from_sdk(cls, data: Any) -> Any:
        """Uses only the last message. The earlier ones are ignored in favour of the stored history."""
        if not isinstance(data, dict):
            return data
        if "messages" not in data:
            return {name: data[name] for name in ("message", "conversationId", "context") if name in data}
        messages = data["messages"]
        if not isinstance(messages, list) or not messages:
            raise ValueError("messages must be a list with at least one message")
        last = UIMessage.model_validate(messages[-1])
        if last.role != "user":
            raise ValueError("the last message must be the person's")
        has_text = bool(last.text.strip()) or not last.files
        return {
            "message": last.text if has_text else last.files[0].filename or "document",
            "hasText": has_text,
            "conversationId": data.get("id"),
            "idIsFromClient": True,
            "questionId": _known_id(last.id),
            "files": last.files,
            "trigger": str(data.get("trigger", "")),
            "replacedId": _known_id(data.get("messageId")),
            "context": {} if data.get("context") is None else data["context"],
        }


_public_id = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _known_id(value: Any) -> str:
    """An id that may be stored; empty for any other, which can name nothing stored."""
    return value if isinstance(value, str) and _public_id.fullmatch(value) else ""


class SourceOut(CamelCase):
    """`as_of` is the day of its facts (ISO date), `outdated` whether they may have changed since."""

    id: str
    title: str
    url: str
    as_of: str | None = None
    outdated: bool = False


class DegradedOut(CamelCase):
    reason: DegradedReason
    retry_after: int | None = None
    age_seconds: int | None = None


class AnswerOut(CamelCase):
    response: str
    conversation_id: str
    message_id: str
    timestamp: str
    origin: Origin
    sources: list[SourceOut]
    suggestions: list[str]
    ending: Ending
    degraded: DegradedOut | None
    saved: bool


class SearchIn(CamelCase):
    search: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Encodable(NOT_BLANK)]
    before: ListPosition | None = None


class TitleIn(CamelCase):
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), Encodable(NOT_BLANK)]


class ConversationOut(CamelCase):
    id: str
    title: str
    updated_at: str


class ConversationPage(CamelCase):
    items: list[ConversationOut]
    next: str | None


class DateOut(CamelCase):
    text: str
    iso: str | None
    kind: DateKind
    label: str
    basis: str | None
    certain: bool = True


class AmountOut(CamelCase):
    text: str
    value: str


class ReferenceOut(CamelCase):
    text: str
    kind: ReferenceKind
    label: str


class SenderOut(CamelCase):
    kind: SenderKind
    name: str


class FactsOut(CamelCase):
    dates: list[DateOut]
    amounts: list[AmountOut]
    references: list[ReferenceOut]
    sender: SenderOut | None


class UnreadOut(CamelCase):
    """A part of the document that was not read. `page` counts from 1, null if the part has none."""

    part: Part
    page: int | None
    reason: str


class KeptDocument(CamelCase):
    """A document that the person keeps in a conversation: its beginning, masked, and its facts."""

    file_name: str
    document: str
    extracted_data: FactsOut
    pages: int
    pages_read: int
    unread: list[UnreadOut]


class MessageOut(CamelCase):
    id: str
    role: Literal["user", "assistant"]
    text: str
    status: Literal["pending", "complete", "length", "filtered", "refused", "interrupted", "stopped"]
    origin: str
    sources: list[SourceOut]
    suggestions: list[str]
    degraded: DegradedOut | None
    rating: str
    correlation_id: str
    created_at: str
    document: KeptDocument | None


class PlainMessage(CamelCase):
    id: str
    role: Literal["user", "assistant"]
    content: str
    timestamp: str


class MessagePage(CamelCase):
    """`messages` has the same messages as `items`, without pending answers, for clients that show plain texts.

    `context` is always empty: facts about a person are sent with a question and are not stored.
    """

    conversation_id: str | None
    items: list[MessageOut]
    messages: list[PlainMessage]
    context: dict[str, str]
    next: str | None


class UIMessageOut(CamelCase):
    id: str
    role: Literal["user", "assistant"]
    parts: list[dict[str, Any]]
    metadata: dict[str, Any]


class UIMessagePage(CamelCase):
    """The AI SDK's `UIMessage`s, for `useChat({ messages })`. An answer still being written is left out: resume it."""

    conversation_id: str | None
    messages: list[UIMessageOut]
    next: str | None


class ResetIn(CamelCase):
    model_config = ConfigDict(extra="forbid")  # a misspelt conversationId must not mean "all"

    conversation_id: PublicId | None = None
    user_id: Annotated[Any, Field(description="Ignored.")] = None


class ErasedOut(CamelCase):
    deleted: int


class ResetOut(ErasedOut):
    success: Literal[True]
    message: str


class CSRFOut(CamelCase):
    csrf_token: str


class ClaimOut(CamelCase):
    claimed: int


class StopIn(CamelCase):
    message_id: OptionalId = Field(
        None, description="The answer that is meant, if several are being written. Else the latest."
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_any_json(cls, data: Any) -> Any:
        """What is no object names no answer."""
        return data if isinstance(data, dict) else {}


# No type: what is no object is no error.
_STOP_SCHEMA = {name: value for name, value in StopIn.model_json_schema().items() if name != "type"}
STOP_BODY = {"requestBody": {"content": {"application/json": {"schema": _STOP_SCHEMA}}}}


class StopOut(CamelCase):
    stopped: bool


class FeedbackIn(CamelCase):
    message_id: PublicId
    rating: Literal["up", "down"]
    reason: Literal["off_topic", "wrong", "unclear", "incomplete"] | None = None
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), Encodable()] = ""


DocumentType = Literal["medical", "administrative", "mdph", "other"]


class _DocumentIn(CamelCase):
    document_type: DocumentType = "other"
    file_name: FileName = ""
    # With `keep`, explanation, facts and masked text are kept in this conversation, or in a new one.
    conversation_id: PublicId | None = None


class DocumentIn(_DocumentIn):
    """A document in JSON: plain text, or the bytes of a file as base64."""

    document: Annotated[str, StringConstraints(min_length=1, max_length=MAX_DOCUMENT_TEXT), Encodable()]
    keep: StrictBool = False


class FileIn(_DocumentIn):
    """A document from a form. The view has checked its size against DOCUMENT_MAX_MB."""

    document: bytes
    keep: bool = False


class AnalysisOut(CamelCase):
    analysis: str
    extracted_data: FactsOut
    suggestions: list[str]
    file_name: str
    pages: int
    pages_read: int
    unread: list[UnreadOut]
    ending: Ending
    degraded: DegradedOut | None
    conversation_id: str | None
    saved: bool
    timestamp: str


class ExportedMessage(MessageOut):
    reason: str
    comment: str


class ExportedConversation(CamelCase):
    id: str
    title: str
    created_at: str
    updated_at: str
    messages: list[ExportedMessage]


class ExportOut(CamelCase):
    """Everything that is stored about one caller."""

    exported_at: str
    caller: str
    claimed_visitors: list[str]
    conversations: list[ExportedConversation]


# The view parses this body, in either form; this is its description in the OpenAPI document.
DOCUMENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": DocumentIn.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "documentType": {"enum": list(get_args(DocumentType))},
                        "keep": {"type": "boolean", "default": False},
                        "conversationId": {"type": "string"},
                    },
                }
            },
        },
    }
}
