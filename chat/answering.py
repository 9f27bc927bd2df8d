"""The story of one answer: the cache, else the AI, asked once for everyone who asks the same, else the best we have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Any

from django.conf import settings
from redis import Redis

from chat import cache, conversations, fallbacks, help_lines, knowledge, minutes, prompts, receipts, runs
from chat.bookmark import Bookmark
from chat.cache import Kept
from chat.conversations import Place, Record
from chat.events import Delta, Event, Finish, Notice, Source, Start
from chat.models import Message
from chat.questions import Language, Passage, Question
from chat.receipts import Asking, Door, Making, Receipt
from chat.runs import Produce, Run
from chat.transcripts import Transcript
from chat.upstream import openai, rag, session
from chat.upstream.errors import AIError, AIInterrupted, AIUnavailable
from chat.upstream.exchange import Exchange

MAX_PASSAGES = 3
REPLAY_CHARACTERS = 60
JUST_BEGUN_SECONDS = 0.5  # in which the process that writes an answer tells the others of it
_CITED = re.compile(r"\[(\d{1,2})\]")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to be read: either `kept` in the cache or being written in a `run`, by `produce` if that leads it."""

    key: str
    asking: Asking
    kept: Kept | None = None
    run: Run | None = None
    produce: Produce | None = None
    comfort: str = ""  # what is said before a kept answer to a question that sounds like distress

    @property
    def cache_verdict(self) -> str:
        """What `X-Cache` says as long as nothing staler is known."""
        if self.run is None:
            return "HIT"
        return "BYPASS" if cache.is_away() else "MISS"

    def read(self, after: int = 0, reader: str = "") -> Iterator[Sequence[Event]]:
        """Its events from number `after` on, in batches; an empty batch says that it is silent.

        `reader` is the id of the message that it becomes: stopping that message ends the reading.
        """
        return self.run.read(after, reader=reader) if self.run is not None else self._replay()

    def leave(self, reader: str) -> None:
        """This reader is gone for good. What nobody else reads is cancelled, and with it the call to the AI."""
        if self.run is not None:
            runs.leave(self.run.id, reader)

    def said(self, until: int) -> Sequence[Event]:
        """The first so many events; fewer when they have not been said yet."""
        return self.run.events[:until] if self.run is not None else ()

    def receipt(self, finish: Finish | None) -> Receipt:
        """Why it is what it is; `finish` is None as long as it is being written."""
        if self.run is None:
            return self.asking.receipt("cached", finish)
        is_leader = self.produce is not None and self.run.is_written_by(self.produce)
        return self.asking.receipt("leader" if is_leader else "follower", finish)

    def keep_receipt(self) -> None:
        """Have its receipt found though it is saved into no history."""
        if self.run is None:
            self._keep_receipt(Transcript(chain.from_iterable(self._replay())))
        elif not self.run.write_with_end(self._write_receipt):
            self.run.on_end(self._keep_receipt)

    def _keep_receipt(self, said: Transcript) -> None:
        receipts.keep(self.receipt(said.finish))

    def _write_receipt(self, redis: Redis) -> None:
        assert self.run is not None
        receipts.write(redis, self.receipt(self.run.finish))

    def save_into(self, record: Record) -> None:
        """Have it in the history by the time its end is read, whether or not anyone stays to read it."""
        if self.run is None:
            record.complete(Transcript(chain.from_iterable(self._replay())))
        else:
            record.begin(self.run.id)
            self.run.on_end(record.complete)

    def _replay(self) -> Iterator[Sequence[Event]]:
        assert self.kept is not None
        return replay(self.kept, self.comfort)


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer on its way to somebody, and its place in their history.

    `began` is on the performance counter; `after` is how many of its events they have already.
    """

    answer: Answer
    record: Record
    began: float
    after: int = 0


def ask(caller_id: str, text: str, language: Language, place: Place, context: Mapping[str, Any]) -> Asked:
    """Answer one message of a conversation, and have both kept in it."""
    began = perf_counter()
    given = answer(Question(text, language, caller_id, place.history, context))
    record = Record(place, text, given.key, explain=given.receipt)
    given.save_into(record)
    return Asked(given, record, began)


def resume(caller_id: str, conversation_id: str, language: Language, bookmark: Bookmark | None) -> Asked | None:
    """The answer that is being written in one of the caller's conversations, wherever; None when there is none.

    With a bookmark it is read on from there, also when it has ended meanwhile.
    """
    message = _resumable(caller_id, conversation_id, bookmark)
    if message is None:
        return None
    is_pending = message.status == Message.Status.PENDING
    patience = JUST_BEGUN_SECONDS if is_pending else 0.0
    run = runs.find(message.run_id, fallbacks.cut_short(language), patience=patience)
    if run is None:
        return None
    after = bookmark.events if bookmark is not None and bookmark.is_of(message.public_id) else 0
    if not is_pending and not run.goes_beyond(after):
        return None
    place = Place(caller_id, conversation_id, message.conversation)
    record = Record(
        place,
        "",
        message.cache_key,
        explain=partial(receipts.completed, message.receipt),
        message_id=message.public_id,
        correlation_id=message.correlation_id,
        has_begun=True,
    )
    run.on_end(record.settle)
    return Asked(Answer(message.cache_key, Asking("chat"), run=run), record, perf_counter(), after)


def _resumable(caller_id: str, conversation_id: str, bookmark: Bookmark | None) -> Message | None:
    """The answer that is being written; else, if the bookmark is of it, the one that has just been."""
    pending = conversations.pending(caller_id, conversation_id)
    if pending is not None or bookmark is None:
        return pending
    last = conversations.last_answer(caller_id, conversation_id)
    return last if last is not None and last.run_id and bookmark.is_of(last.public_id) else None


def stop(caller_id: str, conversation_id: str, language: Language) -> bool:
    """End the answer that is being written in one of the caller's conversations. False when there is none."""
    message = conversations.pending(caller_id, conversation_id)
    return message is not None and conversations.stop(message, fallbacks.cut_short(language))


def answer(question: Question, *, door: Door = "chat", made_since: float = 0, warm: bool = False) -> Answer:
    """Answer from the cache, else from the AI, else with the best we have.

    What was kept before `made_since` (unix seconds) is made anew.
    """
    asking = Asking(door)
    with asking.stage("search"):
        passages = grounds(question)
    key = cache.key_of(question, knowledge.version(passages))
    with asking.stage("cache"):
        kept = cache.find(key)
    asking.found(kept, asked=not cache.is_away())

    def produce(run: Run) -> Iterator[Event]:
        # Whoever led before us may have kept an answer between our look and our turn: never ask twice.
        newer = cache.look(key) if run.may_have_kept_answer else None
        if newer and newer.is_current and newer.created > max(made_since, kept.created if kept else 0):
            return chain.from_iterable(replay(newer, help_lines.called_for(question.text, question.language)))
        making = Making(passages, settings.AI_DEADLINE_CHAT)
        return _remembered(key, run, making, _written(question, kept, run, making), warm=warm)

    if kept is not None and kept.is_current and kept.created >= made_since:
        if kept.should_be_renewed():  # by one process of the fleet, while everyone is given the kept one
            runs.lead_or_follow(key, produce, fallbacks.cut_short(question.language))
        minutes.answered("chat", "cache")
        return Answer(key, asking, kept=kept, comfort=help_lines.called_for(question.text, question.language))
    with asking.stage("flight"):
        run = runs.lead_or_follow(key, produce, fallbacks.cut_short(question.language))
    run.on_end(_count)
    return Answer(key, asking, run=run, produce=produce)


def grounds(question: Question) -> list[Passage]:
    """The passages that an answer to this question rests on, best first."""
    return knowledge.search(question.text, question.language, MAX_PASSAGES)


def key_of(question: Question) -> str:
    """Where the answer to this question is kept."""
    return cache.key_of(question, knowledge.version(grounds(question)))


def replay(kept: Kept, comfort: str) -> Iterator[Sequence[Event]]:
    """A kept answer as if it were just being said, in natural pieces, after what its reader must hear first."""
    for event in kept.events:
        if isinstance(event, Delta):
            yield from ([Delta(piece)] for piece in _pieces(event.text))
        elif isinstance(event, Finish):
            yield [replace(event, origin="cache")]
        else:
            yield [event]
        if isinstance(event, Start) and comfort:
            yield [Notice("help", comfort, {})]


def _written(question: Question, stale: Kept | None, run: Run, making: Making) -> Iterator[Event]:
    """What the AI says; what we say in its place when it can't."""
    yield Start(settings.AI_SERVICE_MODEL)
    if comfort := help_lines.called_for(question.text, question.language):
        yield Notice("help", comfort, {})
    try:
        yield from _ask_ai(question, run, making)
    except AIInterrupted as error:
        making.error = error.code
        yield from fallbacks.cut_short(question.language)
    except AIError as error:
        making.error, making.older = error.code, stale
        yield from fallbacks.ladder(question, error, stale)


def _ask_ai(question: Question, run: Run, making: Making) -> Iterator[Event]:
    """The AI's events, with the sources that it cites and what may be asked next. Raises AIError."""
    passages = making.passages
    with closing(session.get().perform(_exchange(question, passages))) as call:
        making.attempts = call.attempts
        run.on_cancel(call.close)
        for event in call:
            if not isinstance(event, Finish):
                yield event
                continue
            text = run.events.text
            if not text.strip():
                raise AIUnavailable("ai_error", "empty_answer")
            yield from _cited(text, passages)
            yield replace(
                event,
                suggestions=event.suggestions or knowledge.suggestions(passages, question.language, question.text),
            )
            return
    yield Finish("ai", ending="stopped")  # nobody wanted to hear the end


def _remembered(key: str, run: Run, making: Making, said: Iterator[Event], *, warm: bool) -> Iterator[Event]:
    """Keep the answer, with how it was made, as its end is announced: so that whoever comes next finds it."""
    began = perf_counter()
    for event in said:
        if isinstance(event, Finish):
            event = making.noted_on(event)  # noqa: PLW2901 the same, and what is known of it now
            cost_ms = int((perf_counter() - began) * 1000)
            cache.keep(key, [*run.events, event], cost_ms, warm=warm, put=run.write_with_end)
        yield event


def _exchange(question: Question, passages: Sequence[Passage]) -> Exchange:
    if settings.AI_SERVICE_PROTOCOL == "rag":
        return rag.chat(replace(question, history=tuple(prompts.recent(question.history))))
    return openai.chat(prompts.for_chat(question, passages), settings.AI_SERVICE_MODEL, question.language)


def _count(answered: Transcript) -> None:
    assert answered.finish is not None
    minutes.answered("chat", answered.finish.origin)


def _cited(text: str, passages: Sequence[Passage]) -> Iterator[Source]:
    """The passages that the text cites as [n]; `id` is that number."""
    for number in sorted({int(found) for found in _CITED.findall(text)}):
        if 1 <= number <= len(passages):
            passage = passages[number - 1]
            yield Source(str(number), f"{passage.title} – {passage.source_name}", passage.source_url)


def _pieces(text: str) -> Iterator[str]:
    """The text cut after words, about REPLAY_CHARACTERS at a time."""
    begin = 0
    while begin < len(text):
        end = text.find(" ", begin + REPLAY_CHARACTERS)
        end = len(text) if end < 0 else end + 1
        yield text[begin:end]
        begin = end
