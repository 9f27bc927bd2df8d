"""Separates a model's thoughts from its answer: thoughts are neither shown nor stored.

Reasoning models write `<think>…</think>` into their text; some chat templates swallow the opening tag, so that an
answer begins in the middle of a thought. The other tags are those of Mistral, Gemini, Seed, Kimi, OpenThinker and, in
channels, gpt-oss. Marks by which a model ends its turn are left out as well.
"""

from __future__ import annotations

import re

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

# How a thought without an opening tag begins: one of these, then words about the person instead of to the person.
_BEGINNINGS = ("okay", "ok,", "alright", "hmm", "so,", "first,", "let me", "let's", "we need", "i need", "the user",
               "d'accord", "bon,", "voyons", "l'utilisat", "je dois")  # fmt: skip
_ABOUT_THE_PERSON = re.compile(
    r"\bthe user\b|\buser's\b|\bl['’]utilisat|\bthey(?:'re| are) asking|\bthe question is", re.IGNORECASE
)
_UNDECIDED_CHARACTERS = 200


class ThoughtFilter:
    """Filters an answer's text in pieces.

    `begins_in_thought` withholds all text until a closing tag, for a model that is known to omit the opening one.
    `has_leaked` is set when a closing tag shows that text already returned was a thought, `began_in_answer` by `close`
    when the text withheld for `begins_in_thought` was the answer itself.
    """

    def __init__(self, *, begins_in_thought: bool = False) -> None:
        self.has_leaked = self.began_in_answer = False
        self.opening_is_missing = False
        self._is_thinking = False
        self._is_undecided = True  # whether the text so far may be a thought without its opening tag
        self._is_suspect = False  # the text so far reads like a thought
        self._awaits_closing_tag = begins_in_thought
        self._held = ""
        self._has_shown = False
        self._has_thought = False

    def feed(self, text: str) -> str:
        """The text that is certainly no thought and has not been returned yet."""
        if not (self._held or self._is_thinking or self._is_undecided or "<" in text or "[" in text or "◁" in text):
            return text if self._has_shown else self._shown(text)
        text, self._held = self._held + text, ""
        visible = ""
        while found := (_CLOSING_TAG if self._is_thinking else _TAG).search(text):
            before, text = text[: found.start()], text[found.end() :]
            if found.lastgroup == "mark":
                text = before + text
                continue
            if self._is_thinking:
                self._is_thinking = False
            elif found.lastgroup == "opening":
                visible += before
                self._is_thinking = True
            else:
                self._close_without_opening()
                visible = ""
            self._has_thought = True
            self._is_undecided = self._is_suspect = self._awaits_closing_tag = False
        if self._is_thinking:
            self._held = text[-_LONGEST:]
            return self._shown(visible)
        return self._shown(visible + self._decided(text))

    def close(self) -> str:
        """The withheld text, unless it is a thought."""
        rest = "" if self._is_thinking or self._is_suspect or _reads_like_thought(self._held) else self._held
        self._held = ""
        self.began_in_answer = self._awaits_closing_tag and bool(rest.strip())
        return self._shown(rest)

    def _close_without_opening(self) -> None:
        self.opening_is_missing = True
        self.has_leaked = self._has_shown

    def _decided(self, text: str) -> str:
        """The part of the text that is certainly no thought; the rest is withheld."""
        if self._is_suspect or self._awaits_closing_tag or (self._is_undecided and self._may_be_thought(text)):
            self._held = text
            return ""
        begin = _begin_of_partial_tag(text)
        self._held = text[begin:]
        return text[:begin]

    def _may_be_thought(self, text: str) -> bool:
        start = text.lstrip().lower()
        if not any(start.startswith(words) or words.startswith(start) for words in _BEGINNINGS):
            self._is_undecided = False
        elif _reads_like_thought(start):
            self._is_suspect = True
        elif len(start) > _UNDECIDED_CHARACTERS:
            self._is_undecided = False
        return self._is_undecided

    def _shown(self, text: str) -> str:
        if self._has_thought and not self._has_shown:
            text = text.lstrip()
        self._has_shown = self._has_shown or bool(text.strip())
        return text


def _reads_like_thought(text: str) -> bool:
    start = text[:_UNDECIDED_CHARACTERS].lstrip().lower()
    return start.startswith(_BEGINNINGS) and bool(_ABOUT_THE_PERSON.search(start))


def _begin_of_partial_tag(text: str) -> int:
    """Where a tag may begin that the text ends within; the text's length where none does."""
    for begin in range(max(0, len(text) - _LONGEST), len(text)):
        if text[begin] in _FIRST_CHARACTERS and _may_become_tag(text[begin:].lower()):
            return begin
    return len(text)


def _may_become_tag(text: str) -> bool:
    text = _SPACE_BEFORE_NAME.sub("", text)
    return any(tag.startswith(text) for tag in _BEGINNINGS_OF_TAGS) or bool(_VARIABLE_END.fullmatch(text))
