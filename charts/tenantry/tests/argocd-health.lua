-- Run with glua from the chart's folder: what files/argocd-health.lua says of resources in every state.
local check = assert(loadfile("files/argocd-health.lua"))
local failed = 0

local function resource(status, metadata)
  metadata = metadata or {}
  metadata.generation = metadata.generation or 2
  return { metadata = metadata, status = status }
end
local function seen(...) return { observedGeneration = 2, conditions = { ... } } end
local function when(kind, status, reason, message) return { type = kind, status = status, reason = reason, message = message } end

local function expect(name, given, status, message)
  obj = given
  local got = check()
  if got.status ~= status or got.message ~= message then
    failed = failed + 1
    print(name .. ": " .. got.status .. ", " .. got.message .. "; expected " .. status .. ", " .. message)
  end
end

local ready = when("Ready", "True", "Reconciled", "everything is as described")
local old = { observedGeneration = 1, conditions = { ready } }
expect("a new resource", resource(nil), "Progressing", "not seen by the operator yet")
expect("a status of an older generation", resource(old), "Progressing", "not seen by the operator yet")
expect("ready", resource(seen(ready)), "Healthy", "Reconciled: everything is as described")
expect("working", resource(seen(when("Reconciling", "True", "Waiting", "for the database"), when("Ready", "False", "Waiting", "x"))),
  "Progressing", "Waiting: for the database")
expect("stalled", resource(seen(when("Ready", "False", "SlugTaken", "x"), when("Stalled", "True", "SlugTaken", "choose another slug"))),
  "Degraded", "SlugTaken: choose another slug")
expect("stalled no longer", resource(seen(when("Stalled", "False", "Fine", ""), ready)), "Healthy", "Reconciled: everything is as described")
expect("not ready for no given cause", resource(seen(when("Ready", "False", "Failed", ""))), "Degraded", "Failed: not ready")
expect("not known", resource(seen(when("Ready", "Unknown", "Starting", "wait"))), "Progressing", "Starting: wait")
expect("no conditions", resource({ observedGeneration = 2 }), "Progressing", "not ready yet")
expect("being deleted", resource(seen(ready), { deletionTimestamp = "2026-01-01T00:00:00Z" }), "Progressing", "being deleted")
expect("blocked", resource(seen(when("DeletionBlocked", "True", "ReferencedBy", "events (3 rows)")), { deletionTimestamp = "2026-01-01T00:00:00Z" }),
  "Degraded", "ReferencedBy: events (3 rows)")
expect("paused", resource(old, { annotations = { ["tenantry.io/paused"] = "true" } }), "Suspended", "tenantry.io/paused: nothing is changed")
os.exit(failed == 0 and 0 or 1)
