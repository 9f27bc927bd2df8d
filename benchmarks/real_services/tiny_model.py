"""Writes a model that llama.cpp answers with at once: two layers with random weights, a vocabulary learned from the
knowledge base. Its answers are French words in no order.

Runs in the virtualenv of the services: `python tiny_model.py FILE`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import gguf
import numpy as np

TEXTS = Path(__file__).resolve().parents[2] / "chat" / "knowledge_base" / "fr"
CONTEXT_TOKENS = 2048
MERGES = 600
LAYERS, HEADS, WIDTH, INNER_WIDTH = 2, 4, 32, 64
WORD_SCALE = 4.0  # words are more likely than bytes by this much: answers are text
# Refuses turns that don't alternate, and a system message anywhere but first, as the templates of many models do.
TEMPLATE = """\
{%- if messages[0].role == 'system' %}{{ messages[0].content }}\n{% set messages = messages[1:] %}{% endif -%}
{%- for message in messages -%}
{%- if (loop.index0 % 2 == 0) != (message.role == 'user') -%}{{ raise_exception('roles must alternate') }}{%- endif -%}
{{ message.role }}: {{ message.content }}
{% endfor -%}
assistant:"""


def learn_words(text: str, merges: int) -> list[str]:
    """Pieces of words, by byte pair encoding: characters first, then pairs, the most frequent first."""
    words = Counter("▁" + word for word in re.findall(r"\S+", text))
    pieces = {word: list(word) for word in words}
    learned = sorted({character for word in words for character in word})
    for _ in range(merges):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in zip(pieces[word], pieces[word][1:]):  # noqa: B905 neighbours
                pairs[pair] += count
        (left, right), _count = pairs.most_common(1)[0]
        learned.append(left + right)
        for word, parts in pieces.items():
            if left in parts:
                pieces[word] = _merged(parts, left, right)
    return learned


def _merged(parts: list[str], left: str, right: str) -> list[str]:
    merged: list[str] = []
    for part in parts:
        if merged and merged[-1] == left and part == right:
            merged[-1] = left + right
        else:
            merged.append(part)
    return merged


def write(path: Path) -> None:
    text = "\n".join(file.read_text() for file in sorted(TEXTS.glob("*.md")))
    words = list(dict.fromkeys(learn_words(text, MERGES)))
    specials = ["<unk>", "<s>", "</s>"]
    tokens = [*specials, *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2, *[gguf.TokenType.BYTE] * 256]
    types += [gguf.TokenType.NORMAL] * len(words)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER_WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * (len(specials) + 256) + [-float(rank) for rank in range(len(words))])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    for name, tensor in _tensors(len(tokens), len(specials) + 256).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(vocabulary: int, first_word: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2026)

    def weights(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    ones = np.ones(WIDTH, dtype=np.float32)
    output = weights(vocabulary, WIDTH) * WORD_SCALE
    output[:first_word] = 0
    output[2] = weights(1, WIDTH) * WORD_SCALE * 1.5  # an answer ends at random
    tensors = {"token_embd.weight": weights(vocabulary, WIDTH), "output_norm.weight": ones, "output.weight": output}
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        tensors |= {f"{block}.attn_{part}.weight": weights(WIDTH, WIDTH) for part in ("q", "k", "v", "output")}
        tensors |= {f"{block}.attn_norm.weight": ones, f"{block}.ffn_norm.weight": ones}
        tensors |= {f"{block}.ffn_{part}.weight": weights(INNER_WIDTH, WIDTH) for part in ("gate", "up")}
        tensors[f"{block}.ffn_down.weight"] = weights(WIDTH, INNER_WIDTH)
    return tensors


if __name__ == "__main__":
    write(Path(sys.argv[1]))
