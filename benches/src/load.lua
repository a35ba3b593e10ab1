-- Sends the requests of a file, each as its length on a line and its bytes; see load.rs.
local requests, at, again = {}, 0, false

function init(args)
   local file = assert(io.open(args[1], "rb"))
   while true do
      local length = file:read("*n")
      if not length then break end
      file:read(1)
      requests[#requests + 1] = file:read(length)
   end
   file:close()
   again = args[2] == "repeat"
end

function request()
   at = at + 1
   if at > #requests then
      if again then
         at = 1
      else
         at = #requests
         wrk.thread:stop()
      end
   end
   return requests[at]
end

function done(summary, latency)
   local failed = summary.errors
   io.write(string.format("result %d %d %d %d %d\n", summary.requests, summary.duration,
      failed.connect + failed.read + failed.write + failed.status + failed.timeout,
      latency:percentile(50), latency:percentile(99)))
end
