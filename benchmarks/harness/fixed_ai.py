"""An AI service with little CPU cost: nginx with one fixed answer, as a stream or as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.processes import HOST, Process, free_port

ANSWER = "L'AEEH se demande à la MDPH de votre département, avec le formulaire et un certificat médical récent [1]."

_CONFIGURATION = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000; client_body_buffer_size 256k;
  upstream fixed {{ server {host}:{port}; keepalive 64; }}
  server {{
    listen {host}:{port} backlog=4096;
    location = /v1/chat/completions {{ default_type text/event-stream; {streamed} }}
    location = /plain/v1/chat/completions {{ default_type application/json; {plain} }}
    location = /health {{ return 200 'ok'; }}
  }}
  server {{  # a bare proxy: the lower limit of latency
    listen {host}:{proxy} backlog=4096;
    location / {{
      proxy_pass http://fixed/plain/v1/chat/completions; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""


class FixedAI(Process):
    """`url` is an OpenAI service that always streams; `url/plain` answers in JSON; `proxy_url` is a bare proxy."""

    def __init__(self, folder: Path) -> None:
        port, proxy = free_port(), free_port()
        self.url, self.proxy_url = f"http://{HOST}:{port}", f"http://{HOST}:{proxy}"
        text = _CONFIGURATION.format(
            folder=folder,
            host=HOST,
            port=port,
            proxy=proxy,
            streamed=_return(_stream_events()),
            plain=_return([_json_body()]),
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(text)
        super().__init__(_nginx(), "-p", str(folder), "-c", str(configuration), port=port, output=folder / "nginx.log")


def _nginx() -> str:
    executable = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if executable is None:
        raise FileNotFoundError("nginx is missing: apt-get install nginx-light")
    return executable


def _json_body() -> str:
    message = {"role": "assistant", "content": ANSWER}
    return json.dumps(_completion("chat.completion", {"message": message}, "stop"), ensure_ascii=False)


def _stream_events() -> list[str]:
    """One event per word."""
    words = [word + " " for word in ANSWER.split()]
    chunks = [_completion("chat.completion.chunk", {"delta": {"content": word}}, None) for word in words]
    chunks.append(_completion("chat.completion.chunk", {"delta": {}}, "stop"))
    frames = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return [f"data: {frame}\n\n" for frame in [*frames, "[DONE]"]]


def _completion(kind: str, content: dict[str, object], finish_reason: str | None) -> dict[str, object]:
    choice = {"index": 0, **content, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420}
    return {"id": "bench", "object": kind, "created": 1, "model": "bench", "choices": [choice], "usage": usage}


def _return(pieces: list[str]) -> str:
    """nginx directives that return the pieces. Each piece is a variable: a parameter has 4 KB at most."""
    names = [f"$piece{number}" for number in range(len(pieces))]
    sets = (f"set {name} {_quoted(piece)};" for name, piece in zip(names, pieces, strict=True))
    return " ".join([*sets, f'return 200 "{"".join(names)}";'])


def _quoted(text: str) -> str:
    assert "$" not in text  # nginx would expand it as a variable
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
