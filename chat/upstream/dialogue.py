"""Formats the conversation so far as alternating questions and answers, which every AI service accepts.

Strict templates refuse two questions in a row, a second system message, or an answer that comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from chat.core.question import Turn
from chat.core.token_estimate import BYTES_PER_TOKEN, estimated_tokens

MESSAGE_TOKENS = 4  # overhead of a message beside its text
_SMALLEST_TOKENS = 12  # a shorter rest of a text is dropped


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer."""

    question: str
    answer: str

    @property
    def tokens(self) -> int:
        return tokens_of(self.question) + tokens_of(self.answer)

    @property
    def turns(self) -> list[Turn]:
        return [Turn("user", self.question), Turn("assistant", self.answer)]

    def shortened(self, tokens: int) -> Exchange:
        """The beginnings of both, within so many tokens; at most a third of them is the question's."""
        question = shortened(self.question, max(tokens // 3, tokens - tokens_of(self.answer)))
        return Exchange(question, shortened(self.answer, tokens - tokens_of(question)))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """`system` are a client's own instructions, `greeting` is an answer before the first question, `unanswered` what
    was asked last and never answered. Each is empty if there is none.
    """

    system: str
    greeting: str
    exchanges: tuple[Exchange, ...]
    unanswered: str

    @classmethod
    def of(cls, history: Sequence[Turn]) -> Dialogue:
        """Messages of one role in a row are one message. Nothing is lost."""
        system = "\n\n".join(turn.text for turn in history if turn.role == "system" and turn.text.strip())
        messages = list(_messages(history))
        greeting = messages.pop(0).text if messages and messages[0].role == "assistant" else ""
        unanswered = messages.pop().text if messages and messages[-1].role == "user" else ""
        pairs = zip(messages[::2], messages[1::2], strict=True)
        exchanges = tuple(Exchange(question.text, answer.text) for question, answer in pairs)
        return cls(system, greeting, exchanges, unanswered)

    def recent(self, tokens: int) -> list[Exchange]:
        """The latest exchanges that fit into so many tokens. The last one, which a follow-up is about, is shortened
        rather than left out.
        """
        recent: list[Exchange] = []
        for exchange in reversed(self.exchanges):
            if exchange.tokens > tokens:
                if not recent and tokens >= 3 * _SMALLEST_TOKENS:  # the question gets a third
                    recent.append(exchange.shortened(tokens))
                break
            tokens -= exchange.tokens
            recent.append(exchange)
        return recent[::-1]


def tokens_of(text: str) -> int:
    """The tokens of a message with this text, about; 0 for none."""
    return MESSAGE_TOKENS + estimated_tokens(text) if text else 0


def shortened(text: str, tokens: int) -> str:
    """The beginning of the text within so many tokens, cut at a whole word; empty if too little would be left."""
    if tokens_of(text) <= tokens:
        return text
    if tokens < _SMALLEST_TOKENS:
        return ""
    size = (tokens - MESSAGE_TOKENS - 1) * BYTES_PER_TOKEN
    beginning = text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
    words, _, rest = beginning.rpartition(" ")
    return (words if words and len(rest) < 40 else beginning).rstrip() + "…"


def _messages(history: Sequence[Turn]) -> Iterator[Turn]:
    spoken = (turn for turn in history if turn.role != "system" and turn.text.strip())
    for role, turns in groupby(spoken, lambda turn: turn.role):
        yield Turn(role, "\n\n".join(turn.text for turn in turns))
