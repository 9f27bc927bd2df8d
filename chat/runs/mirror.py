"""Copies a run that another process leads from its log."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.conf import settings

from chat.runs import redis_log
from chat.runs.redis_log import Entry, LogReader
from chat.runs.run import Run

ANNOUNCE_SECONDS = 1.0  # interval at which a mirror announces its readers
UNREAD_MIRROR_SECONDS = 60.0  # a mirror without readers ends after this time


def follow(run: Run, run_log: LogReader, process_id: str) -> bool:
    """Append the log's events until the run ends, or it has no reader here any more.

    True if its leader or its log is lost: this process is to end the run. If it can start over and its leader is dead,
    this process has claimed it.
    """
    followed, announced_at = "", 0.0
    while not run.has_ended and not run.readers.close_if_unread(UNREAD_MIRROR_SECONDS):
        # A renewal has no reader unless a person joins it; any other run has one that is about to read.
        if run_log.leader != followed and (run.needs_readers or _has_readers(run)):
            followed = run_log.leader
            redis_log.request_updates(followed, run.id)
        entries = run_log.read()
        if entries is None or not _append(run, entries):
            return not run.has_ended
        if not entries and not redis_log.is_alive(run_log.leader):
            # One of the processes that mirror the run claims it; the others read on.
            if not run.can_start_over or redis_log.claim(run, run_log, process_id):
                return True
        elif _has_readers(run) and time.monotonic() - announced_at > ANNOUNCE_SECONDS:
            announced_at = time.monotonic()
            redis_log.announce_reader(run.id)
    return False


def _append(run: Run, entries: Sequence[Entry]) -> bool:
    """Append the entries' events. False at a gap: the run is to end rather than show a text with one."""
    for entry in entries:
        if entry.unsubscribed:
            run.readers.unsubscribe(entry.unsubscribed)
            continue
        overlap = len(run.events) - entry.first  # > 0: a publish was repeated because its reply was lost
        if overlap < 0:
            return False
        run.append(entry.events[overlap:])
    return True


def _has_readers(run: Run) -> bool:
    """Whether the run has readers in this process, or one that may return."""
    return run.readers.are_present_or_may_return(settings.UNREAD_RUN_TIMEOUT_SECONDS)
