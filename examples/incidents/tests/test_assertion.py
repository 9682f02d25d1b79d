"""Nothing but a good assertion of our gate lets anybody in."""

import json
import os
import time

import jwt
import pytest
from conftest import AUDIENCE, b64

from incidents.assertion import HEADER


def ask(client, token: str | None):
    return client.get("/api/incidents", headers={HEADER: token} if token is not None else {})


def refused(answer) -> bool:
    # Nothing in the answer may tell a forger which check stopped them.
    return (
        answer.status_code == 401
        and answer.headers["www-authenticate"] == "Bearer"
        and answer.json() == {"detail": "Sign in first."}
    )


def test_a_good_assertion_lets_in(client, gate):
    assert ask(client, gate.mint()).status_code == 200


def test_without_an_assertion_the_api_and_the_page_are_closed(client):
    for path in ["/", "/incidents", "/api/incidents", "/api/incidents/1", "/api/admin/summary"]:
        assert refused(client.get(path)), path


def test_bare_identity_headers_are_worth_nothing(client):
    bare = {
        "X-Organization-Id": "1",
        "X-User-Id": "7",
        "X-User-Role": "admin",
        "X-User-Email": "ada@minicorp.example",
        "Authorization": "Bearer anything",
    }
    assert refused(client.get("/api/incidents", headers=bare))


def test_bare_headers_beside_a_good_assertion_change_nothing(client, gate):
    bare = {"X-Organization-Id": "2", "X-User-Role": "admin"}
    rows = client.get("/api/incidents", headers=gate.headers(role="viewer") | bare).json()
    assert {row["organization_id"] for row in rows} == {1}
    assert client.get("/api/admin/summary", headers=gate.headers(role="viewer") | bare).status_code == 403


def test_a_forged_signature_is_refused(client, gate):
    honest = gate.kid
    gate.new_key(publish=False)
    forged = jwt.encode(gate.claims(), gate.private, "EdDSA", headers={"kid": honest})
    assert refused(ask(client, forged))


def test_a_changed_payload_is_refused(client, gate):
    header, _, signature = gate.mint().split(".")
    payload = b64(json.dumps(gate.claims(organization_id=2)).encode())
    assert refused(ask(client, f"{header}.{payload}.{signature}"))


def test_alg_none_is_refused_however_it_is_spelt(client, gate):
    payload = b64(json.dumps(gate.claims()).encode())
    for alg in ["none", "None", "NONE", ""]:
        header = b64(json.dumps({"alg": alg, "kid": gate.kid}).encode())
        assert refused(ask(client, f"{header}.{payload}.")), alg


def test_the_public_key_is_not_an_hmac_secret(client, gate):
    token = jwt.encode(gate.claims(), gate.jwk["x"].ljust(64, "x"), "HS256", headers={"kid": gate.kid})
    assert refused(ask(client, token))


def test_an_unknown_or_missing_key_id_is_refused(client, gate):
    assert refused(ask(client, jwt.encode(gate.claims(), gate.private, "EdDSA", headers={"kid": "another"})))
    assert refused(ask(client, jwt.encode(gate.claims(), gate.private, "EdDSA")))


def test_a_key_carried_by_the_token_is_not_looked_at(client, gate):
    gate.new_key(publish=False)
    own = {"kid": gate.kid, "jwk": gate.jwk, "jku": "https://attacker.example/jwks.json"}
    assert refused(ask(client, jwt.encode(gate.claims(), gate.private, "EdDSA", headers=own)))


def test_a_critical_header_is_refused(client, gate):
    headers = {"kid": gate.kid, "crit": ["exp"], "exp": 1}
    assert refused(ask(client, jwt.encode(gate.claims(), gate.private, "EdDSA", headers=headers)))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "default/another-backend"},
        {"aud": [AUDIENCE]},
        {"aud": AUDIENCE.upper()},
        {"iss": "https://tenantry.localhost:8443/o/1"},
        {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 3660},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) - 10, "exp": int(time.time()) + 3600},
    ],
    ids=["other audience", "audience list", "audience case", "other issuer", "expired", "not yet", "too long a life"],
)
def test_a_claim_that_does_not_hold_is_refused(client, gate, changes):
    assert refused(ask(client, gate.mint(**changes)))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "iat", "exp", "user_id", "organization_id", "role"])
def test_a_missing_claim_is_refused(client, gate, name):
    assert refused(ask(client, gate.mint(**{name: None})))


@pytest.mark.parametrize("value", ["1", 1.0, True, 0, -1, [1], {"id": 1}])
def test_an_organization_that_is_not_a_positive_integer_is_refused(client, gate, value):
    assert refused(ask(client, gate.mint(organization_id=value)))


def test_two_assertions_are_refused(client, gate):
    pair = [(HEADER, gate.mint()), (HEADER, gate.mint(organization_id=2))]
    assert refused(client.get("/api/incidents", headers=pair))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "é.é.é", "e30.e30.", "A" * 20_000])
def test_garbage_is_refused(client, token):
    assert refused(ask(client, token.encode()))


def test_a_rotated_key_is_picked_up_without_a_restart(client, gate):
    old = gate.mint()
    assert ask(client, old).status_code == 200
    gate.new_key()
    assert ask(client, gate.mint()).status_code == 200
    assert refused(ask(client, old))


def test_a_key_id_that_is_unknown_makes_the_file_be_read_again(client, gate):
    assert ask(client, gate.mint()).status_code == 200
    before = os.stat(gate.path)
    gate.new_key()
    # As on a volume whose time stamps are too coarse to show the change.
    os.utime(gate.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    client.app.state.verifier._keys.RETRY = 0
    assert ask(client, gate.mint()).status_code == 200


def test_a_half_written_key_file_does_not_lock_anybody_out(client, gate):
    token = gate.mint()
    assert ask(client, token).status_code == 200
    for text in ["", '{"keys": [', '{"keys": []}', "[]"]:
        gate.path.write_text(text)
        assert ask(client, token).status_code == 200, text
    gate.path.unlink()
    assert ask(client, token).status_code == 200


def test_without_a_key_file_the_answer_is_to_come_back(client, gate):
    gate.path.unlink()
    answer = ask(client, gate.mint())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    gate.publish()
    assert ask(client, gate.mint()).status_code == 200
