"""A fake Supabase project: signs tokens, serves its JWKS, and can be made unavailable."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.services import HOST

SECRET = "a-project-secret-of-at-least-32-bytes"


def token_of(person: str) -> str:
    """An access token that any instance with this SECRET accepts for ten minutes."""
    claims = {"sub": person, "aud": "authenticated", "role": "authenticated", "exp": time.time() + 600}
    return jwt.encode(claims, SECRET, "HS256")


class Project(ThreadingHTTPServer):
    """`keys` by id, `published` the ids in its JWKS, `fetches` the number of JWKS requests."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), JWKSHandler)
        self.keys: dict[str, Any] = {
            "elliptic": ec.generate_private_key(ec.SECP256R1()),
            "classic": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "next": ec.generate_private_key(ec.SECP256R1()),
        }
        self.published = {"elliptic", "classic"}
        self.is_unavailable = False
        self.user_agent = ""
        self.fetches = 0
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a valid token with `changes`; None removes a claim."""
        valid = {"sub": "user-1", "aud": "authenticated", "role": "authenticated", "exp": time.time() + 60}
        valid |= {"iss": f"{self.url}/auth/v1"}
        return {name: value for name, value in (valid | changes).items() if value is not None}

    def token(self, kid: str | None = None, **changes: Any) -> str:
        """A token signed with the key `kid`, or with the project's secret."""
        if kid is None:
            return jwt.encode(self.claims(**changes), SECRET, "HS256")
        algorithm = "RS256" if kid == "classic" else "ES256"
        return jwt.encode(self.claims(**changes), self.keys[kid], algorithm, headers={"kid": kid})

    def jwks(self) -> dict[str, Any]:
        return {"keys": [{**_public(self.keys[kid]), "kid": kid, "use": "sig"} for kid in sorted(self.published)]}

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def _public(key: Any) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return algorithm.to_jwk(key.public_key(), as_dict=True)


class JWKSHandler(BaseHTTPRequestHandler):
    server: Project

    def do_GET(self) -> None:
        self.server.fetches += 1
        self.server.user_agent = self.headers.get("User-Agent", "")
        self.send_response(503 if self.server.is_unavailable else 200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.jwks()).encode())

    def log_message(self, *_: object) -> None:
        pass
