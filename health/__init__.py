"""`/healthz` and `/readyz`. Imports no app; collects the probes of every installed app.

An app declares its dependencies in its AppConfig:

    def health_probes(self) -> list[tuple[str, Callable[[], dict[str, object]]]]:
        return [("aiService", probes.ai_service)]

A probe is a function. It returns details for the report – `{}` if there are none, `{"status": "degraded", …}` if the
dependency works only in part – or raises if the dependency is down. It sets its own timeouts and costs no money. The
report contains an error code, never the exception's message: the exception's `code`, else a code for its type. Several
probes may share a name: they are one dependency, and their details are merged.
"""
