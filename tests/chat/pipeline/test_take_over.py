"""A job in the place of a lost leader: the run has events of that leader already."""

from __future__ import annotations

from chat.core.events import Delta, Event, Finish, Notice, Start
from chat.core.question import Question
from chat.pipeline.answer_job import AnswerJob
from chat.runs.run import Run
from tests.support.factories import cache_answer

HELP = Notice("help", "Appelez le 3114.", {})


def test_help_lines_of_the_lost_leader_do_not_come_again_with_a_cached_answer():
    question = Question("Je veux mourir", "fr", "")
    cached: list[Event] = [Start(), Delta("Vous n'êtes pas seul."), Finish("ai", suggestions=("Que faire ?",))]
    assert cache_answer("public:question", cached, cost_ms=1)
    job = AnswerJob(question, [], "public:question", None, HELP.text, 0, "answer", state="distress")
    run = Run("run")
    run.append([Start(), HELP])
    _, *rest = job(run)
    assert rest == [Delta("Vous n'êtes pas seul."), Finish("cache")]
