"""What members see and do, and that organizations never meet."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import MINI_CORP, OTHER_CORP
from sqlalchemy import delete, select, update

from incidents.models import Incident
from incidents.seed import PER_ORGANIZATION
from incidents.tenancy import NoOrganization


def listed(client, gate, organization_id: int) -> list[dict]:
    return client.get("/api/incidents", headers=gate.headers(organization_id=organization_id)).json()


def test_an_organization_finds_samples_on_its_first_visit_and_only_once(client, gate):
    first = listed(client, gate, MINI_CORP)
    assert len(first) == PER_ORGANIZATION
    assert listed(client, gate, MINI_CORP) == first
    assert set(first[0]) == {"id", "organization_id", "title", "severity", "status", "reporter", "opened_at"}
    assert first[0]["opened_at"].endswith("Z")


def test_parallel_first_visits_seed_once(client, gate):
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: listed(client, gate, MINI_CORP), range(16)))
    assert {len(page) for page in pages} == {PER_ORGANIZATION}


def test_a_member_reports_an_incident_in_their_own_organization(client, gate):
    answer = client.post(
        "/api/incidents",
        headers=gate.headers(role="viewer"),
        json={"title": "  Lost laptop ", "severity": "high"},
    )
    assert answer.status_code == 201
    made = answer.json()
    assert made["title"] == "Lost laptop"
    assert (made["organization_id"], made["reporter"], made["status"]) == (MINI_CORP, "Ada Admin", "open")
    assert client.get(f"/api/incidents/{made['id']}", headers=gate.headers()).json() == made
    assert made in listed(client, gate, MINI_CORP)


def test_the_organization_cannot_be_chosen_by_the_body(client, gate):
    body = {"title": "x", "organization_id": OTHER_CORP}
    assert client.post("/api/incidents", headers=gate.headers(), json=body).status_code == 422


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": "   "}, {"title": "x" * 201}, {"title": "x", "severity": "huge"}])
def test_a_bad_incident_is_refused(client, gate, body):
    assert client.post("/api/incidents", headers=gate.headers(), json=body).status_code == 422


def test_two_organizations_never_see_each_other(client, gate):
    mine = listed(client, gate, MINI_CORP)
    theirs = listed(client, gate, OTHER_CORP)
    assert {row["organization_id"] for row in mine} == {MINI_CORP}
    assert {row["organization_id"] for row in theirs} == {OTHER_CORP}
    for row in theirs:
        answer = client.get(f"/api/incidents/{row['id']}", headers=gate.headers())
        missing = client.get("/api/incidents/999999", headers=gate.headers())
        assert (answer.status_code, answer.content) == (404, missing.content)


def test_the_summary_counts_one_organization_and_is_for_admins(client, gate):
    listed(client, gate, OTHER_CORP)
    summary = client.get("/api/admin/summary", headers=gate.headers()).json()
    assert summary["incidents"] == PER_ORGANIZATION
    assert sum(summary["by_status"].values()) == sum(summary["by_severity"].values()) == PER_ORGANIZATION
    assert summary["organization_name"] == "mini corp"
    for role in ["analyst", "Admin", "administrator", ""]:
        assert client.get("/api/admin/summary", headers=gate.headers(role=role)).status_code == 403


def test_a_ping_is_anonymous_or_identified_but_never_falsely(client, gate):
    assert client.post("/api/agents/ping").json() == {"status": "ok", "organization_id": None}
    assert client.post("/api/agents/ping", headers=gate.headers()).json()["organization_id"] == MINI_CORP
    assert client.post("/api/agents/ping", headers=gate.headers(aud="default/other")).status_code == 401


def test_health_is_open_and_the_schema_is_not(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/openapi.json").status_code == 404
    assert client.get("/docs").status_code == 404


def test_the_page_shows_the_organization_and_its_incidents(client, gate):
    for path in ["/", "/incidents"]:
        page = client.get(path, headers=gate.headers())
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<h1>mini corp</h1>" in page.text
        assert "Ada Admin" in page.text
        for row in listed(client, gate, MINI_CORP):
            assert f"#{row['id']}<" in page.text
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")


def test_the_page_escapes_what_people_typed(client, gate):
    client.post("/api/incidents", headers=gate.headers(), json={"title": "<script>alert(1)</script>"})
    page = client.get("/", headers=gate.headers(organization_name="<b>mini</b>", name='"><img src=x>')).text
    assert "<script>" not in page
    assert "<b>mini" not in page
    assert "<img" not in page


def test_the_slug_stands_in_for_a_name_the_gate_does_not_send(client, gate):
    assert "<h1>mini-corp</h1>" in client.get("/", headers=gate.headers(organization_name=None)).text


def test_a_session_filters_updates_and_deletes_too(client, gate):
    listed(client, gate, MINI_CORP), listed(client, gate, OTHER_CORP)
    sessions = client.app.state.sessions
    with sessions.of(MINI_CORP) as session:
        assert session.execute(update(Incident).values(title="mine")).rowcount == PER_ORGANIZATION
        assert session.execute(delete(Incident)).rowcount == PER_ORGANIZATION
    assert listed(client, gate, MINI_CORP) == []
    titles = {row["title"] for row in listed(client, gate, OTHER_CORP)}
    assert len(titles) == PER_ORGANIZATION and "mine" not in titles


def test_the_identity_map_does_not_reach_across(client, gate):
    theirs = listed(client, gate, OTHER_CORP)[0]["id"]
    with client.app.state.sessions.of(MINI_CORP) as session:
        assert session.get(Incident, theirs) is None


def test_a_session_of_nobody_reads_and_writes_nothing(client):
    sessions = client.app.state.sessions
    with pytest.raises(NoOrganization), sessions.of(None) as session:
        session.scalars(select(Incident)).all()
    with pytest.raises(NoOrganization), sessions.of(None) as session:
        session.add(Incident(title="x", reporter="x"))
    with pytest.raises(NoOrganization), sessions.of(MINI_CORP) as session:
        session.add(Incident(title="x", reporter="x", organization_id=OTHER_CORP))
