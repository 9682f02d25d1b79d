"""Incidents: a small multi-tenant application that lives behind a Tenantry gate.

Read it in the order a request goes through it: `assertion` (is this request really from our gate, and for whom?),
`access` (the dependencies the routes use), `tenancy` (a database session that only sees one organization's rows),
`models`, `seed`, and the routes in `api` and `pages`. `app` puts them together; `__main__` serves it.
"""
