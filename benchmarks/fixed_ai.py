"""An AI service that costs next to nothing: nginx, giving everyone the same answer, streamed protocol or plain."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from chat.drill.parts import HOST, Process, free_port

WORDS = "L'AEEH se demande à la MDPH de votre département, avec le formulaire et un certificat médical récent [1]."

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
  server {{  # the limit: a proxy that does nothing but pass on
    listen {host}:{proxy} backlog=4096;
    location / {{
      proxy_pass http://fixed/plain/v1/chat/completions; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""


class FixedAI(Process):
    """`url` answers like an OpenAI service; below `/plain` never streamed. `proxy_url` is nginx in front of it."""

    def __init__(self, folder: Path) -> None:
        port, proxy = free_port(), free_port()
        self.url, self.proxy_url = f"http://{HOST}:{port}", f"http://{HOST}:{proxy}"
        text = _CONFIGURATION.format(
            folder=folder, host=HOST, port=port, proxy=proxy, streamed=_answer(_streamed()), plain=_answer([_plain()])
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(text)
        super().__init__(_nginx(), "-p", str(folder), "-c", str(configuration), port=port, output=folder / "nginx.log")


def _nginx() -> str:
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        raise FileNotFoundError("nginx is missing: apt-get install nginx-light")
    return found


def _plain() -> str:
    message = {"role": "assistant", "content": WORDS}
    return json.dumps(_whole("chat.completion", {"message": message}, "stop"), ensure_ascii=False)


def _streamed() -> list[str]:
    """Word by word, as services do it."""
    words = [word + " " for word in WORDS.split()]
    chunks = [_whole("chat.completion.chunk", {"delta": {"content": word}}, None) for word in words]
    chunks.append(_whole("chat.completion.chunk", {"delta": {}}, "stop"))
    frames = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return [f"data: {frame}\n\n" for frame in [*frames, "[DONE]"]]


def _whole(kind: str, said: dict[str, object], ended: str | None) -> dict[str, object]:
    choice = {"index": 0, **said, "finish_reason": ended}
    usage = {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420}
    return {"id": "bench", "object": kind, "created": 1, "model": "bench", "choices": [choice], "usage": usage}


def _answer(pieces: list[str]) -> str:
    """These pieces as nginx' answer: a variable each, as one of its words holds 4 KB at most."""
    names = [f"$piece{number}" for number in range(len(pieces))]
    sets = (f"set {name} {_quoted(piece)};" for name, piece in zip(names, pieces, strict=True))
    return " ".join([*sets, f'return 200 "{"".join(names)}";'])


def _quoted(text: str) -> str:
    assert "$" not in text  # would begin a variable
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
