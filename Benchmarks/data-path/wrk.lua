-- Makes wrk send DEPTH requests at a time, or POST a value, and prints its figures in one line.
--
-- usage: wrk … -s wrk.lua URL -- DEPTH [KEY VALUE]

function init(arguments)
   local depth = tonumber(arguments[1])
   if arguments[2] then
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
      wrk.body = string.format('{"key":"%s","value":"%s"}', arguments[2], arguments[3])
   end
   -- wrk calls format once after init and sends what it gave, again and again: no Lua runs while it measures.
   local one = wrk.format()
   wrk.format = function() return string.rep(one, depth) end
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      "figures %d %d %d %d %d %d %d %d %d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
