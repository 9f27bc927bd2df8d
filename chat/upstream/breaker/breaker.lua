-- One breaker, one hash, one script for every change of every process: Redis' single thread is the lock, and Redis'
-- clock is the only clock. memory.py says the same in Python; change both or neither.
--
-- KEYS[1]      the breaker's hash: the fields of `Circuit` (circuit.py), and slot:0, slot:1, …
-- ARGV[1]      the verb: acquire, record, release, force, reset
-- ARGV[2]      now; empty for Redis' own clock. Only tests pass theirs.
-- ARGV[3..5]   how long the hash is kept after its last change, how many slots, how much history
-- ARGV[6..13]  the policy
-- ARGV[14..]   what the verb takes
-- Returns      {admitted, state, generation, probe, wait, forced, transition}: admitted is 0 or 1, probe is 0 for none,
--              wait is -1 where nobody knows, transition is empty or {at, from, to, cause, who, reason}.
--              For record: {transition, calls, failures}, the window's with this failure, 0 where nothing was counted.
-- Times are whole milliseconds.

local key, verb, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local keep_for, slot_count, history_length = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local policy = {
  window = tonumber(ARGV[6]),
  failure_threshold = tonumber(ARGV[7]),
  failure_rate = tonumber(ARGV[8]),
  open_for = tonumber(ARGV[9]),
  open_max = tonumber(ARGV[10]),
  probes = tonumber(ARGV[11]),
  success_threshold = tonumber(ARGV[12]),
  probe_lease = tonumber(ARGV[13]),
}

if not now then
  local time = redis.call("TIME")
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- What a transition starts anew. `last_error`, `history` and the slots live in the hash beside it.
local BLANK = {
  state = "closed", generation = 0, opened_at = 0, open_for = 0, open_until = 0, retry_at = 0, successes = 0,
  probed = 0, leases = "", forced = "", forced_by = "", forced_reason = "", forced_until = 0,
}

local function load()
  local names, circuit = {}, {}
  for name in pairs(BLANK) do names[#names + 1] = name end
  for i, value in ipairs(redis.call("HMGET", key, unpack(names))) do
    local blank = BLANK[names[i]]
    circuit[names[i]] = value and (type(blank) == "number" and tonumber(value) or value) or blank
  end
  return circuit
end

local circuit = load()

-- A forced state lasts as long as the operator said, however long nobody calls.
local function keep()
  if circuit.forced ~= "" and circuit.forced_until == 0 then
    redis.call("PERSIST", key)
  else
    redis.call("PEXPIRE", key, math.max(circuit.forced_until - now, 0) + keep_for)
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
  keep()
end

-- Whether a moment is still ahead. One further ahead than it can have been set was set before the clock went back.
local function pending(moment, limit)
  return now < moment and moment <= now + limit
end

local function force_expired()
  return circuit.forced ~= "" and 0 < circuit.forced_until and circuit.forced_until <= now
end

-- The window ------------------------------------------------------------------------------------------------------

local step = math.floor(now / (policy.window / slot_count))

local function slot_names()
  local names = {}
  for i = 0, slot_count - 1 do names[#names + 1] = "slot:" .. i end
  return names
end

local function parse_slot(text)
  local at, calls, failures = string.match(text or "", "^(%d+) (%d+) (%d+)$")
  return tonumber(at), tonumber(calls), tonumber(failures)
end

local function count(failed)
  local name = "slot:" .. step % slot_count
  local at, calls, failures = parse_slot(redis.call("HGET", key, name))
  if at ~= step then calls, failures = 0, 0 end
  save({[name] = table.concat({step, calls + 1, failures + (failed and 1 or 0)}, " ")})
end

local function tally()
  local calls, failures = 0, 0
  for _, text in ipairs(redis.call("HMGET", key, unpack(slot_names()))) do
    local at, slot_calls, slot_failures = parse_slot(text)
    if at and step - slot_count < at and at <= step then
      calls, failures = calls + slot_calls, failures + slot_failures
    end
  end
  return calls, failures
end

-- Transitions -----------------------------------------------------------------------------------------------------

local moved = {}

local function remember(transition)
  local past = redis.call("HGET", key, "history")
  local history = past and cjson.decode(past) or {}
  table.insert(history, 1, transition)
  history[history_length + 1] = nil
  return cjson.encode(history)
end

-- A new generation. What is not among the changes starts anew, but what half-open still needs of open.
local function move(to, cause, who, reason, changes)
  moved = {now, circuit.state, to, cause, who, reason}
  local after = {history = remember(moved)}
  for name, blank in pairs(BLANK) do after[name] = blank end
  after.state, after.generation = to, circuit.generation + 1
  if to == "closed" then
    redis.call("HDEL", key, unpack(slot_names()))
  else
    after.opened_at, after.open_for = circuit.opened_at, circuit.open_for
  end
  for name, value in pairs(changes) do after[name] = value end
  save(after)
end

local function open(cause, code, open_for, retry_at)
  move("open", cause, "", code, {
    opened_at = now, open_for = open_for, open_until = math.max(now + open_for, retry_at), last_error = code,
  })
end

-- What time alone moves, at the first call after it.
local function wake()
  if force_expired() then
    move(circuit.forced == "open" and "half_open" or "closed", "force_expired", "", "", {})
  elseif circuit.state == "open" and circuit.forced == "" and not pending(circuit.open_until, policy.open_max) then
    move("half_open", "open_time_over", "", "", {})
  end
end

-- Probes ----------------------------------------------------------------------------------------------------------

local function live_leases()
  local live = {}
  for probe, ends in string.gmatch(circuit.leases, "(%d+)=(%d+)") do
    if pending(tonumber(ends), policy.probe_lease) then
      live[#live + 1] = {probe = tonumber(probe), ends = tonumber(ends)}
    end
  end
  return live
end

local function leases_text(leases, without)
  local texts = {}
  for _, lease in ipairs(leases) do
    if lease.probe ~= without then texts[#texts + 1] = lease.probe .. "=" .. lease.ends end
  end
  return table.concat(texts, " ")
end

-- Not from an older generation, nor from a probe that was given up.
local function heard(generation, probe)
  if generation ~= circuit.generation then return false end
  if probe == 0 then return true end
  for _, lease in ipairs(live_leases()) do
    if lease.probe == probe then return true end
  end
  return false
end

-- Results ---------------------------------------------------------------------------------------------------------

local function record_call(failed, code, retry_at)
  count(failed)
  if not failed then return 0, 0 end
  save({last_error = code, retry_at = math.max(circuit.retry_at, retry_at)})
  local calls, failures = tally()
  local enough = failures >= policy.failure_threshold and failures / calls >= policy.failure_rate
  if circuit.forced == "" and enough then
    open("too_many_failures", code, policy.open_for, circuit.retry_at)
  end
  return calls, failures
end

local function record_probe(probe, failed, code, retry_at)
  if failed then
    local longer = math.max(circuit.open_for * 2, policy.open_for)
    open("probe_failed", code, math.min(longer, policy.open_max), retry_at)
  elseif circuit.successes + 1 < policy.success_threshold then
    save({successes = circuit.successes + 1, leases = leases_text(live_leases(), probe)})
  else
    move("closed", "probes_succeeded", "", "", {})
  end
end

-- The verbs -------------------------------------------------------------------------------------------------------

local function answer(admitted, wait, probe)
  return {admitted and 1 or 0, circuit.state, circuit.generation, probe or 0, wait, circuit.forced, moved}
end

local function try_probe()
  local leases, first = live_leases(), math.huge
  for _, lease in ipairs(leases) do first = math.min(first, lease.ends) end
  if #leases >= policy.probes then return answer(false, first - now) end
  local probe = circuit.probed + 1
  leases[#leases + 1] = {probe = probe, ends = now + policy.probe_lease}
  save({probed = probe, leases = leases_text(leases)})
  return answer(true, 0, probe)
end

local verbs = {}

function verbs.acquire()
  wake()
  if circuit.forced ~= "" then
    local wait = circuit.forced_until == 0 and -1 or circuit.forced_until - now
    return answer(circuit.state == "closed", wait)
  end
  if circuit.state == "closed" then return answer(true, 0) end
  if circuit.state == "open" then return answer(false, circuit.open_until - now) end
  return try_probe()
end

function verbs.record(generation, probe, failed, code, retry_after)
  generation, probe = tonumber(generation), tonumber(probe)
  local calls, failures = 0, 0
  if heard(generation, probe) then
    local retry_at = now + tonumber(retry_after)
    if probe == 0 then
      calls, failures = record_call(failed == "1", code, retry_at)
    else
      record_probe(probe, failed == "1", code, retry_at)
    end
  end
  return {moved, calls, failures}
end

function verbs.release(generation, probe)
  probe = tonumber(probe)
  if heard(tonumber(generation), probe) then save({leases = leases_text(live_leases(), probe)}) end
  return answer(true, 0)
end

function verbs.force(state, who, reason, duration)
  move(state, "forced", who, reason, {
    forced = state, forced_by = who, forced_reason = reason,
    forced_until = duration == "" and 0 or now + tonumber(duration),
    opened_at = state == "open" and now or 0, open_for = 0,
  })
  return answer(true, 0)
end

function verbs.reset(who, reason)
  move("closed", "reset", who, reason, {last_error = ""})
  return answer(true, 0)
end

return verbs[verb](unpack(ARGV, 14))
