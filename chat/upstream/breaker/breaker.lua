-- The breaker's rules in Redis. This script makes every change of one breaker, for all processes: Redis runs it
-- atomically and its clock is the only clock. memory.py has the same rules and names in Python; change both or neither.
--
-- KEYS[1]      the breaker's hash: the fields of `Circuit` (circuit.py), and slot:0, slot:1, …
-- ARGV[1]      the verb: acquire, record, release, force, reset
-- ARGV[2]      now; empty for Redis' own clock. Only tests pass a value.
-- ARGV[3]      the settings as JSON: the policy, the number of slots, the length of the history, and the retention of the
--              hash after its last change
-- ARGV[4..]    the verb's arguments
-- Returns      {admitted, state, generation, probe, wait, forced, transition}: admitted is 0 or 1, probe is 0 for none,
--              wait is -1 when unknown, transition is empty or {at, from, to, cause, who, reason}.
--              For record: {transition, calls, failures, failures in a row}: the window's counts with this failure;
--              0 for any other result.
-- Times are whole milliseconds.

local key, verb, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local settings = cjson.decode(ARGV[3])
local policy, slot_count = settings.policy, settings.slot_count

if not now then
  local time = redis.call("TIME")
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The initial values, to which a transition resets these fields. `last_error`, `last_error_at`, `history` and the slots
-- are in the same hash.
local INITIAL = {
  state = "closed", generation = 0, opened_at = 0, open_for = 0, open_until = 0, retry_at = 0, successes = 0,
  probed = 0, leases = "", streak = "", background_streak = "", forced = "", forced_by = "", forced_reason = "", forced_until = 0,
}

local function load()
  local names, circuit = {}, {}
  for name in pairs(INITIAL) do names[#names + 1] = name end
  for i, value in ipairs(redis.call("HMGET", key, unpack(names))) do
    local initial = INITIAL[names[i]]
    circuit[names[i]] = value and (type(initial) == "number" and tonumber(value) or value) or initial
  end
  return circuit
end

local circuit = load()

-- A forced state must outlast the retention, even without calls.
local function set_expiry()
  if circuit.forced ~= "" and circuit.forced_until == 0 then
    redis.call("PERSIST", key)
  else
    redis.call("PEXPIRE", key, math.max(circuit.forced_until - now, 0) + settings.retention)
  end
end

local function save(changes)
  local fields = {}
  for name, value in pairs(changes) do
    circuit[name] = value
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  redis.call("HSET", key, unpack(fields))
  set_expiry()
end

-- Whether a moment lies ahead. `limit` is the longest time ahead it can have been set. A moment further ahead was set
-- before the clock went back, and counts as passed.
local function is_pending(moment, limit)
  return now < moment and moment <= now + limit
end

local function force_expired()
  return circuit.forced ~= "" and 0 < circuit.forced_until and circuit.forced_until <= now
end

-- The window ------------------------------------------------------------------------------------------------------

local current_step = math.floor(now / (policy.window / slot_count))

local function slot_names()
  local names = {}
  for i = 0, slot_count - 1 do names[#names + 1] = "slot:" .. i end
  return names
end

local function parse_slot(text)
  local step, calls, failures = string.match(text or "", "^(%d+) (%d+) (%d+)$")
  return tonumber(step), tonumber(calls), tonumber(failures)
end

local function count_call(failed)
  local name = "slot:" .. current_step % slot_count
  local step, calls, failures = parse_slot(redis.call("HGET", key, name))
  if step ~= current_step then calls, failures = 0, 0 end
  save({[name] = table.concat({current_step, calls + 1, failures + (failed and 1 or 0)}, " ")})
end

local function window_counts()
  local calls, failures = 0, 0
  for _, text in ipairs(redis.call("HMGET", key, unpack(slot_names()))) do
    local step, slot_calls, slot_failures = parse_slot(text)
    if step and current_step - slot_count < step and step <= current_step then
      calls, failures = calls + slot_calls, failures + slot_failures
    end
  end
  return calls, failures
end

-- Failures in a row -------------------------------------------------------------------------------------------------

-- A streak as text: failures, the time of the first, and the first different subjects.
local function parse_streak(text)
  local parts = {}
  for part in string.gmatch(text, "%S+") do parts[#parts + 1] = part end
  local streak = {failures = tonumber(parts[1] or 0), since = tonumber(parts[2] or 0), subjects = {}}
  for i = 3, #parts do streak.subjects[i - 2] = parts[i] end
  return streak
end

local function add_new(subjects, subject)
  for _, known in ipairs(subjects) do
    if known == subject then return end
  end
  subjects[#subjects + 1] = subject
end

local function end_streak(is_background)
  local changes = {}
  if circuit.background_streak ~= "" then changes.background_streak = "" end
  if circuit.streak ~= "" and not is_background then changes.streak = "" end
  if next(changes) then save(changes) end
end

-- A beginning in the future dates from before the clock went back.
local function extend_streak(subject, is_background)
  local name = is_background and "background_streak" or "streak"
  local streak = parse_streak(circuit[name])
  if streak.failures == 0 or streak.since > now then streak.since = now end
  if #streak.subjects < policy.needed_subjects then add_new(streak.subjects, subject) end
  save({[name] = table.concat({streak.failures + 1, streak.since, unpack(streak.subjects)}, " ")})
end

-- Both streaks as one.
local function opening_streak()
  local both = {failures = 0, since = math.huge, subjects = {}}
  for _, text in ipairs({circuit.streak, circuit.background_streak}) do
    local streak = parse_streak(text)
    if streak.failures > 0 then
      both.failures, both.since = both.failures + streak.failures, math.min(both.since, streak.since)
      for _, subject in ipairs(streak.subjects) do add_new(both.subjects, subject) end
    end
  end
  return both
end

-- Whether the failures in a row are enough, of enough subjects, and not a moment's chance.
local function is_long(streak)
  return streak.failures >= policy.failure_threshold
    and #streak.subjects >= policy.needed_subjects
    and now - streak.since >= policy.min_streak
end

-- Transitions -----------------------------------------------------------------------------------------------------

local transition = {}

local function history_with(latest)
  local saved = redis.call("HGET", key, "history")
  local history = saved and cjson.decode(saved) or {}
  table.insert(history, 1, latest)
  history[settings.history_length + 1] = nil
  return cjson.encode(history)
end

-- Begin a new generation. Fields without a change are reset, except those that an open circuit passes on.
local function transition_to(to, cause, who, reason, changes)
  transition = {now, circuit.state, to, cause, who, reason}
  local fields = {history = history_with(transition)}
  for name, initial in pairs(INITIAL) do fields[name] = initial end
  fields.state, fields.generation = to, circuit.generation + 1
  if to == "closed" then
    redis.call("HDEL", key, unpack(slot_names()))
  else
    fields.opened_at, fields.open_for = circuit.opened_at, circuit.open_for
  end
  for name, value in pairs(changes) do fields[name] = value end
  save(fields)
end

local function open(cause, code, open_for, retry_at)
  transition_to("open", cause, "", code, {
    opened_at = now, open_for = open_for, open_until = math.max(now + open_for, retry_at), last_error = code, last_error_at = now,
  })
end

-- Make the transition that is due by time alone, if any.
local function apply_due_transition()
  if force_expired() then
    transition_to(circuit.forced == "open" and "half_open" or "closed", "force_expired", "", "", {})
  elseif circuit.state == "open" and circuit.forced == "" and not is_pending(circuit.open_until, policy.open_max) then
    transition_to("half_open", "open_time_over", "", "", {})
  end
end

-- Probes ----------------------------------------------------------------------------------------------------------

local function live_leases()
  local live = {}
  for probe, ends_at in string.gmatch(circuit.leases, "(%d+)=(%d+)") do
    if is_pending(tonumber(ends_at), policy.probe_lease) then
      live[#live + 1] = {probe = tonumber(probe), ends_at = tonumber(ends_at)}
    end
  end
  return live
end

local function leases_text(leases, without)
  local texts = {}
  for _, lease in ipairs(leases) do
    if lease.probe ~= without then texts[#texts + 1] = lease.probe .. "=" .. lease.ends_at end
  end
  return table.concat(texts, " ")
end

-- Whether a result still counts: its generation is the current one, and its probe is not given up.
local function is_current(generation, probe)
  if generation ~= circuit.generation then return false end
  if probe == 0 then return true end
  for _, lease in ipairs(live_leases()) do
    if lease.probe == probe then return true end
  end
  return false
end

-- Results ---------------------------------------------------------------------------------------------------------

local function record_call(subject, is_background, failed, code, retry_at)
  if not is_background then count_call(failed) end
  if not failed then
    end_streak(is_background)
    return 0, 0, 0
  end
  extend_streak(subject, is_background)
  save({last_error = code, last_error_at = now, retry_at = math.max(circuit.retry_at, retry_at)})
  local calls, failures = window_counts()
  local streak = opening_streak()
  local is_rate_reached = calls >= policy.min_calls and failures / calls >= policy.failure_rate
  if circuit.forced == "" and (is_long(streak) or is_rate_reached) then
    open("too_many_failures", code, policy.open_for, circuit.retry_at)
  end
  return calls, failures, streak.failures
end

local function record_probe(probe, failed, code, retry_at)
  if failed then
    local longer = math.max(circuit.open_for * 2, policy.open_for)
    open("probe_failed", code, math.min(longer, policy.open_max), retry_at)
  elseif circuit.successes + 1 < policy.success_threshold then
    save({successes = circuit.successes + 1, leases = leases_text(live_leases(), probe)})
  else
    transition_to("closed", "probes_succeeded", "", "", {})
  end
end

-- The verbs -------------------------------------------------------------------------------------------------------

local function admission(admitted, wait, probe)
  return {admitted and 1 or 0, circuit.state, circuit.generation, probe or 0, wait, circuit.forced, transition}
end

local function try_probe()
  local leases, first_ends_at = live_leases(), math.huge
  for _, lease in ipairs(leases) do first_ends_at = math.min(first_ends_at, lease.ends_at) end
  if #leases >= policy.probes then return admission(false, first_ends_at - now) end
  local probe = circuit.probed + 1
  leases[#leases + 1] = {probe = probe, ends_at = now + policy.probe_lease}
  save({probed = probe, leases = leases_text(leases)})
  return admission(true, 0, probe)
end

local verbs = {}

function verbs.acquire()
  apply_due_transition()
  if circuit.forced ~= "" then
    local wait = circuit.forced_until == 0 and -1 or circuit.forced_until - now
    return admission(circuit.state == "closed", wait)
  end
  if circuit.state == "closed" then return admission(true, 0) end
  if circuit.state == "open" then return admission(false, circuit.open_until - now) end
  return try_probe()
end

function verbs.record(generation, probe, failed, code, retry_after, subject, is_background)
  generation, probe = tonumber(generation), tonumber(probe)
  local calls, failures, in_row = 0, 0, 0
  if is_current(generation, probe) then
    local retry_at = now + tonumber(retry_after)
    if probe == 0 then
      calls, failures, in_row = record_call(subject, is_background == "1", failed == "1", code, retry_at)
    else
      record_probe(probe, failed == "1", code, retry_at)
    end
  end
  return {transition, calls, failures, in_row}
end

function verbs.release(generation, probe)
  probe = tonumber(probe)
  if is_current(tonumber(generation), probe) then save({leases = leases_text(live_leases(), probe)}) end
  return admission(true, 0)
end

function verbs.force(state, who, reason, duration)
  transition_to(state, "forced", who, reason, {
    forced = state, forced_by = who, forced_reason = reason,
    forced_until = duration == "" and 0 or now + tonumber(duration),
    opened_at = state == "open" and now or 0, open_for = 0,
  })
  return admission(true, 0)
end

function verbs.reset(who, reason)
  transition_to("closed", "reset", who, reason, {last_error = "", last_error_at = 0})
  return admission(true, 0)
end

return verbs[verb](unpack(ARGV, 4))
