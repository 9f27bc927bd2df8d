-- Argument: a body in which each {n} is replaced by a number unique to the request.
local number = os.time() * 1000000

function init(arguments)
  body = arguments[1]
  wrk.method = "POST"
end

function request()
  number = number + 1
  return wrk.format(nil, nil, nil, (body:gsub("{n}", string.format("%d", number))))
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "seconds": %f, "errors": %d, "p50": %f, "p95": %f, "p99": %f}',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
