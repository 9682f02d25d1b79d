"""Check the gate's assertion: the one header this application believes.

`X-Tenantry-Assertion` is a short-lived JWT, signed (EdDSA) with the gate's own key. The public half is a JWKS file that
the gate keeps on a volume shared with us. Every other identity header (`X-User-Email`, ...) is a convenience that
anybody who reaches our port could type, so nothing here reads one.
"""

import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import jwt

HEADER = "X-Tenantry-Assertion"
ALGORITHM = "EdDSA"
LONGEST_LIFE = 60  # seconds; the gate never mints a longer one
LEEWAY = 5  # seconds between the gate's clock and ours
MAX_BYTES = 16 * 1024
REQUIRED = ["iss", "aud", "sub", "iat", "exp", "user_id", "organization_id", "role"]


class Refused(Exception):
    """The assertion is missing or does not hold. The text is for the log; a client is told nothing of it."""


class KeysUnavailable(Exception):
    """The key file cannot be read yet: the gate has not started, or the path is wrong."""


@dataclass(frozen=True)
class Identity:
    """Who is calling, as the gate vouches for it."""

    organization_id: int
    organization_name: str
    user_id: int
    email: str | None
    name: str | None
    role: str

    @property
    def label(self) -> str:
        """What to call this person on a page."""
        return self.name or self.email or f"user {self.user_id}"


class KeyFile:
    """The gate's public keys. Read again when the file changes, or when a key id is not in it."""

    RETRY = 1.0  # seconds; a flood of made-up key ids must not become a flood of file reads

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = 0.0

    def key(self, kid: str) -> jwt.PyJWK:
        with self._lock:
            self._refresh(missing=kid not in self._keys)
            found = self._keys.get(kid)
        if found is None:
            raise Refused("unknown key id")
        return found

    def _refresh(self, missing: bool) -> None:
        try:
            stat = os.stat(self._path)
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            due = missing and time.monotonic() - self._read_at > self.RETRY
            if stamp != self._stamp or due:
                self._keys = _parse(self._path.read_text())
                self._stamp, self._read_at = stamp, time.monotonic()
        except (OSError, ValueError, jwt.PyJWTError) as error:
            # Half-written or gone for a moment: the keys we have are still the gate's.
            if not self._keys:
                raise KeysUnavailable(f"cannot read the gate's keys from {self._path}: {error}") from error


def _parse(text: str) -> dict[str, jwt.PyJWK]:
    document = json.loads(text)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("not a JWKS document")
    usable = [key for key in keys if key.get("kty") == "OKP" and key.get("crv") == "Ed25519" and key.get("kid")]
    if not usable:
        raise ValueError("no Ed25519 key with a kid in it")
    return {key["kid"]: jwt.PyJWK(key, algorithm=ALGORITHM) for key in usable}


class Verifier:
    """Turns the header into an `Identity`, or refuses."""

    def __init__(self, keys: KeyFile, audience: str, issuer: str):
        self._keys = keys
        self._audience = audience
        self._issuer = issuer

    def verify(self, values: list[str]) -> Identity:
        """`values`: every occurrence of the header. The gate sends exactly one."""
        if len(values) != 1:
            raise Refused("no assertion" if not values else "more than one assertion")
        token = values[0]
        if len(token) > MAX_BYTES:
            raise Refused("assertion too long")
        try:
            header = jwt.get_unverified_header(token)
            # The algorithm is ours to choose, never the token's (RFC 8725): "none" and HS256 end here.
            if header.get("alg") != ALGORITHM or not isinstance(header.get("kid"), str):
                raise Refused("wrong algorithm or no key id")
            if "crit" in header:
                raise Refused("critical header that is not understood")
            claims = jwt.decode(
                token,
                self._keys.key(header["kid"]),
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": REQUIRED, "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise Refused(str(error)) from error
        if claims["exp"] - claims["iat"] > LONGEST_LIFE:
            raise Refused("lives longer than an assertion may")
        return Identity(
            organization_id=_integer(claims, "organization_id"),
            organization_name=_text(claims, "organization_name") or _text(claims, "organization_slug") or "",
            user_id=_integer(claims, "user_id"),
            email=_text(claims, "email"),
            name=_text(claims, "name"),
            role=_text(claims, "role") or "",
        )


def _integer(claims: dict, name: str) -> int:
    value = claims[name]
    if type(value) is not int or value <= 0:  # True is an int in Python
        raise Refused(f"{name} is not a positive integer")
    return value


def _text(claims: dict, name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{name} is not a string")
    return value
