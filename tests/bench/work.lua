-- The interpreter workload: tables, strings, closures, arithmetic.
local function sieve(n)
  local p, count = {}, 0
  for i = 2, n do p[i] = true end
  for i = 2, n do
    if p[i] then
      count = count + 1
      for j = i * i, n, i do p[j] = false end
    end
  end
  return count
end

for _ = 1, 10 do
  local words = {}
  for i = 1, 40000 do
    local w = string.format("w%d", (i * 7919) % 5003)
    words[w] = (words[w] or 0) + #w
  end
  local list = {}
  for w, c in pairs(words) do list[#list + 1] = w .. "=" .. c end
  table.sort(list)
  local s = table.concat(list, ","):gsub("w(%d)", "%1w")
  assert(sieve(200000) == 17984 and #s > 1000)
end
