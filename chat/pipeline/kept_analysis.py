"""An analysis that the person keeps in a conversation, so that the next questions can be about the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils.translation import gettext, override

from chat.core.events import Event
from chat.core.language import Language
from chat.core.transcript import Transcript
from chat.history.conversations import ConversationRef
from chat.history.kept_document import kept
from chat.history.recorder import TurnRecorder
from chat.pipeline.document_analysis import DocumentAnalysis


class KeptAnalysis:
    """Saves the analysis once it has ended, as a turn whose question is the document. One that its reader leaves isn't
    saved, nor one whose person has deleted their data since they sent it.
    """

    def __init__(
        self,
        analysis: DocumentAnalysis,
        conversation: ConversationRef,
        file_name: str,
        language: Language,
        asked_at: datetime,
    ) -> None:
        self._analysis = analysis
        document = kept(analysis.document, file_name)
        with override(language):
            question = gettext("Document: {name}").format(name=document["fileName"] or gettext("pasted text"))
        self.recorder = TurnRecorder(
            conversation,
            question,
            "",
            describe=analysis.provenance,
            document=document,
            asked_at=asked_at,
            must_check_deletion=True,
        )

    def read(self) -> Iterator[Sequence[Event]]:
        """The batches of the analysis. `recorder.saved` is known before the last one."""
        transcript = Transcript()
        for batch in self._analysis.read():
            transcript.extend(batch)
            # A reader that has left may still be given the end, before a write fails.
            if transcript.finish is not None and not self._analysis.is_cancelled:
                self.recorder.complete(transcript)
            yield batch
