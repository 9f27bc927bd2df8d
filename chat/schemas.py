"""Requests and responses as clients see them: camelCase JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, get_args

import pydantic
from ninja.errors import ValidationError
from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from chat.documents.facts import DateKind, ReferenceKind, SenderKind
from chat.events import DegradedReason, Ending, Origin

MAX_MESSAGE = 4000
MAX_DOCUMENT_TEXT = 512 * 1024  # in JSON, where no body may be larger; a larger document comes as a file
MAX_NUMBER = 2**53  # what every JSON reader keeps exactly


def _sayable(text: str) -> str:
    """Neither PostgreSQL nor a person can read a null character or half a surrogate pair."""
    if "\0" in text:
        raise ValueError("must not contain null characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


class Sayable:
    """Marks a text that `_sayable` looks at; `pattern` is how the API's description puts it."""

    def __init__(self, pattern: str = r"^[^\x00]*$") -> None:
        self.pattern = pattern

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_sayable, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


Text = Annotated[str, Sayable()]
MessageText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE),
    Sayable(r"^[^\x00]*[^\s\x00][^\x00]*$"),
]
# What the client knows of the person: a few short facts.
Fact = (
    Annotated[str, StringConstraints(max_length=500), Sayable()]
    | bool
    | Annotated[int, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
    | Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
    | None
)
Context = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64), Sayable()], Fact],
    Field(default_factory=dict, max_length=20, json_schema_extra={"additionalProperties": False}),
]
PublicId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
RowNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]


class Shape(pydantic.BaseModel):
    """What clients and we say to each other is JSON, and read as such.

    ninja's own Schema could also read objects of Django's: it looks up each field for itself, 25 µs a message.
    """


class Wire(Shape):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class MessageIn(Wire):
    message: MessageText
    conversation_id: PublicId | None = None
    context: Context


Body = TypeVar("Body", bound=Wire)


def parsed(schema: type[Body], data: bytes | dict[str, Any]) -> Body:
    """A body that a view must read for itself. Raises ninja's ValidationError, as if ninja had read it."""
    try:
        return schema.model_validate(data) if isinstance(data, dict) else schema.model_validate_json(data)
    except pydantic.ValidationError as error:
        rows = error.errors(include_url=False, include_context=False, include_input=False)
        raise ValidationError([{**row, "loc": ("body", "data", *row["loc"])} for row in rows]) from None


class UIPart(Wire):
    type: str
    text: Text = ""


class UIMessage(Wire):
    role: Literal["user", "assistant", "system"]
    parts: list[UIPart] = Field(default_factory=list, max_length=200)
    content: Text = ""

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if part.type == "text") or self.content


class SDKIn(Wire):
    """What the AI SDK's transport posts: of its messages the last one is taken, and must be the person's."""

    id: PublicId | None = None
    messages: list[UIMessage] = Field(min_length=1)


class StreamIn(MessageIn):
    """Either our own `{message, conversationId?}` or what the AI SDK's transport posts: `{id, messages, trigger}`."""

    # Whether the client made the conversation's id itself, as the AI SDK does.
    chosen_by_client: bool = False

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        forms = [handler(form.__pydantic_core_schema__) for form in (MessageIn, SDKIn)]
        return {"title": cls.__name__, "description": cls.__doc__, "anyOf": forms}

    @model_validator(mode="before")
    @classmethod
    def _from_sdk(cls, data: Any) -> Any:
        """The history that the SDK repeats is not believed: ours is kept here. Only the last message is taken."""
        if not isinstance(data, dict):
            return data
        if "messages" not in data:
            return {**data, "chosenByClient": False}
        messages = data["messages"]
        if not isinstance(messages, list) or not messages:
            raise ValueError("messages must be a list with at least one message")
        last = UIMessage.model_validate(messages[-1])
        if last.role != "user":
            raise ValueError("the last message must be the person's")
        return {"message": last.text, "conversationId": data.get("id"), "chosenByClient": True}


class SourceOut(Wire):
    id: str
    title: str
    url: str


class DegradedOut(Wire):
    reason: DegradedReason
    retry_after: int | None = None
    age_seconds: int | None = None


class AnswerOut(Wire):
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


class ConversationOut(Wire):
    id: str
    title: str
    updated_at: str


class ConversationPage(Wire):
    items: list[ConversationOut]
    next: str | None


class MessageOut(Wire):
    id: str
    role: Literal["user", "assistant"]
    text: str
    status: Literal["pending", "complete", "interrupted", "stopped"]
    origin: str
    sources: list[SourceOut]
    suggestions: list[str]
    degraded: DegradedOut | None
    rating: str
    correlation_id: str
    created_at: str


class MessagePage(Wire):
    conversation_id: str
    items: list[MessageOut]
    next: str | None


class ResetIn(Wire):
    model_config = ConfigDict(extra="forbid")  # a misspelt conversationId must not mean "all"

    conversation_id: PublicId | None = None


class ResetOut(Wire):
    deleted: int


class ClaimOut(Wire):
    claimed: int


class StopOut(Wire):
    stopped: bool


class FeedbackIn(Wire):
    message_id: PublicId
    rating: Literal["up", "down"]
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), Sayable()] = ""


DocumentType = Literal["medical", "administrative", "mdph", "other"]


class _DocumentIn(Wire):
    document_type: DocumentType = "other"
    file_name: Annotated[str, StringConstraints(max_length=200), Sayable()] = ""


class DocumentIn(_DocumentIn):
    """A document in JSON: pasted text, or a file's bytes as base64."""

    document: Annotated[str, StringConstraints(min_length=1, max_length=MAX_DOCUMENT_TEXT), Sayable()]


class FileIn(_DocumentIn):
    """A document from a form, up to DOCUMENT_MAX_MB; checked before it is read."""

    document: bytes


class DateOut(Wire):
    text: str
    iso: str | None
    kind: DateKind
    label: str


class AmountOut(Wire):
    text: str
    value: str


class ReferenceOut(Wire):
    text: str
    kind: ReferenceKind
    label: str


class SenderOut(Wire):
    kind: SenderKind
    name: str


class FactsOut(Wire):
    dates: list[DateOut]
    amounts: list[AmountOut]
    references: list[ReferenceOut]
    sender: SenderOut | None


class AnalysisOut(Wire):
    analysis: str
    extracted_data: FactsOut
    suggestions: list[str]
    file_name: str
    pages: int
    pages_read: int
    degraded: DegradedOut | None
    timestamp: str


class ExportedMessage(MessageOut):
    comment: str


class ExportedConversation(Wire):
    id: str
    title: str
    created_at: str
    updated_at: str
    messages: list[ExportedMessage]


class ExportOut(Wire):
    """All that is kept of one caller."""

    exported_at: str
    caller: str
    claimed_visitors: list[str]
    conversations: list[ExportedConversation]


# A view reads this body for itself, in either form; here is how the API's description puts it.
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
                    },
                }
            },
        },
    }
}
