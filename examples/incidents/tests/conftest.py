"""A gate of our own: it writes the key file and mints assertions, honest ones and others."""

import base64
import hashlib
import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient

from incidents.app import Settings, create_app
from incidents.assertion import HEADER

AUDIENCE = "default/incidents"
MINI_CORP, OTHER_CORP = 1, 2


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Gate:
    def __init__(self, path: Path):
        self.path = path
        self.new_key()

    def new_key(self, publish: bool = True) -> None:
        self.private = Ed25519PrivateKey.generate()
        x = b64(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
        self.kid = b64(hashlib.sha256(canonical.encode()).digest())
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA", "use": "sig"}
        if publish:
            self.publish()

    def publish(self) -> None:
        self.path.write_text(json.dumps({"keys": [self.jwk]}))

    def claims(self, **changes) -> dict:
        now = int(time.time())
        claims = {
            "iss": "tenantry-gate",
            "aud": AUDIENCE,
            "sub": "7",
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "user_id": 7,
            "organization_id": MINI_CORP,
            "organization_slug": "mini-corp",
            "organization_name": "mini corp",
            "email": "ada@minicorp.example",
            "name": "Ada Admin",
            "role": "admin",
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def mint(self, **changes) -> str:
        return jwt.encode(self.claims(**changes), self.private, "EdDSA", headers={"kid": self.kid})

    def headers(self, **changes) -> dict[str, str]:
        return {HEADER: self.mint(**changes)}


@pytest.fixture
def gate(tmp_path) -> Gate:
    return Gate(tmp_path / "jwks.json")


@pytest.fixture
def client(gate, tmp_path):
    settings = Settings(jwks=gate.path, audience=AUDIENCE, database=tmp_path / "incidents.db")
    with TestClient(create_app(settings)) as client:
        yield client
