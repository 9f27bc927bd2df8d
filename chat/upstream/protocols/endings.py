"""How an answer ended, by the service's finish reason: a closed list; an unknown reason means an incomplete answer.

The names are those of OpenAI, Anthropic, Mistral, Gemini, Cohere, Bedrock, vLLM, TGI, llama.cpp.
"""

from __future__ import annotations

from chat.core.events import Ending

_ENDINGS: dict[str, Ending] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"),
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "max_length", "model_length", "token_limit"), "length"
    ),
    **dict.fromkeys(("model_context_window_exceeded", "context_length_exceeded", "context_window_exceeded"), "length"),
    **dict.fromkeys(("content_filter", "content_filtered", "content-filter", "safety", "recitation"), "filtered"),
    **dict.fromkeys(("blocklist", "prohibited_content", "spii", "guardrail_intervened", "sensitive"), "filtered"),
    **dict.fromkeys(("refusal", "refused"), "refused"),
}


def ending_of(finish_reason: str) -> Ending:
    """`interrupted` for every reason that is not on the list, such as an error or a tool call."""
    return _ENDINGS.get(finish_reason.strip().casefold(), "interrupted")
