"""The services' processes: llama.cpp's server with a tiny model, and LiteLLM's proxy in front of it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import HOST, ROOT, Process, free_port

PYTHON = ROOT / ".venv-upstreams" / "bin" / "python"
HERE = Path(__file__).parent
# They get none of chat-bff's settings: LiteLLM would use DATABASE_URL itself.
ENV = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
MODEL = "tiny"
KEY = "sk-only-for-benchmarks"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service; `settings` are chat-bff's for it."""

    name: str
    url: str
    settings: dict[str, str]


def start_llama_cpp(folder: Path, context_tokens: int) -> Service:
    """llama.cpp's server as llama-cpp-python runs it, with a context of so many tokens."""
    model, port = folder / "tiny.gguf", free_port()
    subprocess.run([PYTHON, HERE / "tiny_model.py", model], check=True, env=ENV)
    options = ("--model", str(model), "--model_alias", MODEL, "--n_ctx", str(context_tokens), "--host", HOST)
    command = (str(PYTHON), "-m", "llama_cpp.server", *options, "--port", str(port))
    Process(*command, port=port, env=ENV, output=folder / "llama.log", start_timeout=120)
    settings = {"AI_SERVICE_URL": f"http://{HOST}:{port}", "AI_SERVICE_MODEL": MODEL}
    return Service(f"llama-cpp-python {version('llama_cpp_python')}", settings["AI_SERVICE_URL"], settings)


def start_litellm(folder: Path, behind: Service) -> Service:
    """LiteLLM's proxy, which asks the service behind it."""
    port = free_port()
    command = (
        str(PYTHON.with_name("litellm")),
        "--config",
        str(HERE / "litellm.yaml"),
        "--host",
        HOST,
        "--port",
        str(port),
    )
    env = ENV | {"BEHIND": f"{behind.url}/v1", "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    Process(*command, port=port, env=env, output=folder / "litellm.log", start_timeout=180)
    settings = {"AI_SERVICE_URL": f"http://{HOST}:{port}", "AI_SERVICE_MODEL": MODEL, "AI_SERVICE_API_KEY": KEY}
    return Service(f"LiteLLM {version('litellm')}", settings["AI_SERVICE_URL"], settings)


def version(package: str) -> str:
    code = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    return subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
