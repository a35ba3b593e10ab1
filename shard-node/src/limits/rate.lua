-- Charges budgets of one slot, all or none, on the server's time.
-- KEYS[i]: the time, in microseconds, at which the debt of budget i is paid off.
-- ARGV: for each key what its budget is a minute, what has been spent already (charged in any case),
-- and what is asked for now.
-- Answers 1 or 0 (charged or not), then for each key its debt and how long to wait, in microseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = 60000000
local charged = 1
local debts, waits = {}, {}
for i, key in ipairs(KEYS) do
  local interval = window / ARGV[3 * i - 2]
  local debt = math.max((tonumber(redis.call('GET', key)) or 0) - now, 0)
  debts[i] = math.min(debt + ARGV[3 * i - 1] * interval, 2 * window)
  waits[i] = math.max(debts[i] + ARGV[3 * i] * interval - window - interval * 1e-6, 0)
  if waits[i] > 0 then charged = 0 end
end
local answer = {charged}
for i, key in ipairs(KEYS) do
  if charged == 1 then debts[i] = debts[i] + ARGV[3 * i] * window / ARGV[3 * i - 2] end
  if debts[i] > 0 then
    redis.call('SET', key, string.format('%.0f', now + debts[i]), 'PX', math.ceil(debts[i] / 1000) + 1000)
  end
  answer[2 * i] = math.ceil(debts[i])
  answer[2 * i + 1] = math.ceil(waits[i])
end
return answer
