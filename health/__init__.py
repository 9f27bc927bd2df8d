"""Whether this program can serve: `/healthz`, `/readyz`. Imports no app, asks each for its probes.

An app that depends on something says so in its AppConfig:

    def health_probes(self) -> list[tuple[str, Callable[[], dict[str, object]]]]:
        return [("aiService", probes.ai_service)]

A probe is a function: it returns what there is to tell (`{}` when nothing is; `{"status": "degraded", …}` when it works
with losses) or raises. It brings its own client timeouts and costs no money. Of what it raises a code is told and
never the message: its `code`, or a word for its type. A name given twice is one dependency with both probes' details.
"""
