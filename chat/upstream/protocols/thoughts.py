"""Separates a model's thoughts from its answer: thoughts are neither shown nor stored.

Reasoning models write `<think>…</think>` into their text; some chat templates swallow the opening tag, so that an
answer begins in the middle of a thought. The other tags are those of Mistral, Gemini, Seed, Kimi, OpenThinker and, in
channels, gpt-oss. Marks by which a model ends its turn are left out as well.
"""

from __future__ import annotations

import re
from typing import Literal

_NAMES = ("think", "thinking", "thought", "reasoning", "seed:think")
_NAME = "(?:" + "|".join(sorted(_NAMES, key=len, reverse=True)) + ")"
_ATTRIBUTES = r"\s[^<>]{0,60}"
_CHANNEL = r"<\|channel\|>(?:analysis|commentary)"
_TURN = "<|start|>assistant"
_THINKING_CHANNEL = rf"(?:{re.escape(_TURN)})?{_CHANNEL}[^<>]{{0,60}}<\|message\|>"
_ANSWERING_CHANNEL = "<|channel|>final<|message|>"
_MARKS = ("<|end|>", "<|return|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|begin_of_solution|>",
          "<|end_of_solution|>", "<end_of_turn>", _TURN)  # fmt: skip
_OPENING = rf"<\s*{_NAME}(?:{_ATTRIBUTES})?>|\[think\]|◁think▷|<\|begin_of_thought\|>|{_THINKING_CHANNEL}"
_CLOSING = (
    rf"<\s*/\s*{_NAME}\s*>|\[/think\]|◁/think▷|<\|end_of_thought\|>"
    rf"|(?:{re.escape(_TURN)})?{re.escape(_ANSWERING_CHANNEL)}"
)
_TAG = re.compile(
    f"(?P<opening>{_OPENING})|(?P<closing>{_CLOSING})|(?P<mark>{'|'.join(map(re.escape, _MARKS))})", re.IGNORECASE
)
_CLOSING_TAG = re.compile(_CLOSING, re.IGNORECASE)

# To recognise the beginning of a tag: the fixed parts of the tags, and the variable ends of some.
_BEGINNINGS_OF_TAGS = (
    *(f"<{slash}{name}>" for name in _NAMES for slash in ("", "/")),
    *("[think]", "[/think]", "◁think▷", "◁/think▷", "<|begin_of_thought|>", "<|end_of_thought|>"),
    *(f"{turn}{channel}" for turn in ("", _TURN) for channel in ("<|channel|>analysis", "<|channel|>commentary")),
    *(f"{turn}{_ANSWERING_CHANNEL}" for turn in ("", _TURN)),
    *_MARKS,
)
_VARIABLE_END = re.compile(
    rf"<{_NAME}{_ATTRIBUTES}|</{_NAME}\s*|(?:{re.escape(_TURN)})?{_CHANNEL}[^<>]{{0,60}}(?:<(?:\|(?:[a-z]*(?:\|)?)?)?)?"
)
_SPACE_BEFORE_NAME = re.compile(r"(?<=[</])\s+")
_LONGEST = 120  # characters of a tag
_FIRST_CHARACTERS = "<[◁"

# How a thought without an opening tag begins: one of these, then what the person asks, in the third person.
_BEGINNINGS = ("okay", "ok,", "alright", "hmm", "so,", "first,", "let me", "let's", "we need", "i need", "the user",
               "d'accord", "bon,", "voyons", "l'utilisateur", "l'utilisatrice", "je dois")  # fmt: skip
_ASK = "(?:ask|want|mention|wonder|inquir|greet|say|said|wrote|writ|tell|told|look|seek|thank)"
_ABOUT_THE_PERSON = re.compile(
    rf"""\bthe\ user's\ (?:question|message|request|query)\b
    |\bthe\ user\ (?:(?:is|was|seems\ to\ be)\ (?:\w+\ )?{_ASK}ing
        |(?:(?:has|just|also|now|probably|apparently|seems\ to)\ )*{_ASK}(?:s|e|es|ed)?)\b
    |\bl'utilisat(?:eur|rice)\ (?:(?:me|nous)\ |m'|s')?(?:demande|veut|voudrait|souhaite|cherche\ à|pose|parle|mentionne
        |explique|évoque|salue|dit|écrit|semble|interroge|inquiète|a\ (?:demandé|posé|écrit|dit|mentionné))\b
    |\b(?:question|demande|message)\ de\ l'utilisat(?:eur|rice)\b""",
    re.VERBOSE,
)
# Words to the person: an answer has some.
_TO_THE_PERSON = re.compile(r"\b(?:you|your|vous|votre|vos|tu|ton|ta|tes)\b", re.IGNORECASE)
_UNDECIDED_CHARACTERS = 200


class ThoughtFilter:
    """Filters an answer's text in pieces.

    `begins_in_thought` withholds all text until a closing tag, for a model that is known to omit the opening one.
    `has_leaked` is set when text that was returned may be a thought. `opening_is_missing` tells whether this answer
    began in a thought without an opening tag; it is None while that is not known.
    """

    def __init__(self, *, begins_in_thought: bool = False) -> None:
        self.has_leaked = False
        self.opening_is_missing: bool | None = None
        # undecided: the text so far may become one that reads like a thought. withheld: it is taken for one.
        self._state: Literal["undecided", "withheld", "thought", "answer"] = (
            "withheld" if begins_in_thought else "undecided"
        )
        self._pieces: list[str] = []  # text that has not been returned, without tags
        self._held = ""  # what follows it, in which a tag may begin
        self._last = ""  # the last text that was returned
        self._has_shown = False

    def feed(self, text: str) -> str:
        """The text that is certainly no thought and has not been returned yet."""
        if self._state == "answer" and not (self._held or "<" in text or "[" in text or "◁" in text):
            self._last = text or self._last
            return text if self._has_shown else self._shown(text)
        text, self._held = self._held + text, ""
        visible: list[str] = []
        position = 0
        while found := (_CLOSING_TAG if self._state == "thought" else _TAG).search(text, position):
            if self._state == "thought":
                self._state = "answer"
            else:
                self._pieces.append(text[position : found.start()])
                if found.lastgroup != "mark":
                    visible.append(self._before_tag(is_opening=found.lastgroup == "opening"))
            position = found.end()
        rest = text[position:]
        if self._state == "thought":
            self._held = rest[-_LONGEST:]
        else:
            visible.append(self._decided(rest))
        return "".join(visible)

    def close(self, *, is_whole: bool | None) -> str:
        """What is still withheld.

        - Of a whole answer: all of it, unless it reads like a thought and never addresses the person.
        - Of an incomplete one: nothing taken for a thought, whose closing tag may be missing with the rest.
        - If the ending is unknown (`None`): nothing that reads like a thought.
        """
        text = "" if self._state == "thought" else self._take_pieces() + self._held
        self._held = ""
        reads_like_thought = self._state in {"undecided", "withheld"} and _reads_like_thought(text)
        if reads_like_thought:
            self.has_leaked = bool(is_whole) and bool(_TO_THE_PERSON.search(text))
        if (reads_like_thought and not self.has_leaked) or (self._state == "withheld" and is_whole is False):
            text = ""
        text = self._shown(text)
        if self.opening_is_missing is None and self._has_shown:
            self.opening_is_missing = False
        return text

    def _before_tag(self, *, is_opening: bool) -> str:
        """The text before a tag, unless it is a thought that this tag closes."""
        text = self._take_pieces()
        is_thought = False
        if not is_opening:
            is_thought = self._state == "withheld" or (self._state == "undecided" and _reads_like_thought(text))
            self.has_leaked = self.has_leaked or (not is_thought and (self._has_shown or bool(text.strip())))
        if self.opening_is_missing is None:
            begins_line = (self._last + text).rstrip(" \t").endswith("\n")
            self.opening_is_missing = not is_opening and (is_thought or begins_line)
        self._state = "thought" if is_opening else "answer"
        return "" if is_thought else self._shown(text)

    def _decided(self, text: str) -> str:
        """All text that is certainly no thought; the rest is withheld."""
        begin = _begin_of_partial_tag(text)
        self._held = text[begin:]
        self._pieces.append(text[:begin])
        if self._state == "undecided":
            self._decide()
        return self._shown(self._take_pieces()) if self._state == "answer" else ""

    def _decide(self) -> None:
        text = self._take_pieces().lstrip()
        self._pieces.append(text)
        start = _start(text)
        if _reads_like_thought(text):
            self._state = "withheld"
        elif len(text) > _UNDECIDED_CHARACTERS or not any(
            start.startswith(words) or words.startswith(start) for words in _BEGINNINGS
        ):
            self._state = "answer"

    def _take_pieces(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _shown(self, text: str) -> str:
        if not self._has_shown:
            text = text.lstrip()
            self._has_shown = bool(text)
        self._last = text or self._last
        return text


def _reads_like_thought(text: str) -> bool:
    start = _start(text)
    return start.startswith(_BEGINNINGS) and bool(_ABOUT_THE_PERSON.search(start))


def _start(text: str) -> str:
    return text.lstrip()[:_UNDECIDED_CHARACTERS].lower().replace("’", "'")


def _begin_of_partial_tag(text: str) -> int:
    """Where a tag may begin that the text ends within; the text's length where none does."""
    for begin in range(max(0, len(text) - _LONGEST), len(text)):
        if text[begin] in _FIRST_CHARACTERS and _may_become_tag(text[begin:].lower()):
            return begin
    return len(text)


def _may_become_tag(text: str) -> bool:
    text = _SPACE_BEFORE_NAME.sub("", text)
    return any(tag.startswith(text) for tag in _BEGINNINGS_OF_TAGS) or bool(_VARIABLE_END.fullmatch(text))
