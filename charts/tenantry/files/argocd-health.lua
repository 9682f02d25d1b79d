-- Health of a Backend or an Organization for Argo CD: kstatus, read from its conditions.
local function condition(kind)
  for _, found in ipairs((obj.status or {}).conditions or {}) do
    if found.type == kind then return found end
  end
  return {}
end

local function health(status, found, otherwise)
  local message = found.message
  if message == nil or message == "" then message = otherwise end
  if found.reason then message = found.reason .. ": " .. message end
  return { status = status, message = message }
end

local metadata = obj.metadata or {}
if metadata.deletionTimestamp then
  local blocked = condition("DeletionBlocked")
  if blocked.status == "True" then return health("Degraded", blocked, "deletion is blocked") end
  return health("Progressing", {}, "being deleted")
end
if (metadata.annotations or {})["tenantry.io/paused"] == "true" then
  return health("Suspended", {}, "tenantry.io/paused: nothing is changed")
end

-- Conditions of an older generation say nothing of what was just applied.
local seen = (obj.status or {}).observedGeneration
if seen == nil or (metadata.generation and seen < metadata.generation) then
  return health("Progressing", {}, "not seen by the operator yet")
end

local stalled, reconciling, ready = condition("Stalled"), condition("Reconciling"), condition("Ready")
if stalled.status == "True" then return health("Degraded", stalled, "stalled") end
if reconciling.status == "True" then return health("Progressing", reconciling, "reconciling") end
if ready.status == "True" then return health("Healthy", ready, "ready") end
if ready.status == "False" then return health("Degraded", ready, "not ready") end
return health("Progressing", ready, "not ready yet")
