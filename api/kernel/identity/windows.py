"""Sliding-window counters: never more than the allowed number in any period. A key's window is a short list of cells,
each with the time of its latest request and a count. A cell spans 1/CELLS of the period, so the list is bounded for any
rate. A cell counts until its latest request leaves the window: room may return up to 1/CELLS of the period late, never
early. Windows are kept in Redis, or in memory if Redis is down."""

import heapq
from collections import deque

import msgspec

from api.kernel.data.cache import Script

CELLS = 60
_MEMORY_KEYS = 10_000
_SECOND = 1_000_000
_LATEST = 86_401 * _SECOND
"""Maximum time in the future, after a clock was set back."""

# A key is a list: the total, then time (in microseconds) and count of each cell, oldest first. Arguments: for each
# request its number of keys, then count and period of each. Returns for each request whether it is allowed, then for
# each key the number left, the time until one more is allowed, the time until all are, and the time of counting.
# Nothing is charged unless every key of the request has room. A key that does not hold a window is deleted and counts
# as empty: a failing script would fail all requests of the batch. The answer ends with such keys.
CHARGE = Script(
    """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local healed = {}
local function heal(key)
  redis.call('DEL', key)
  healed[#healed + 1] = key
end
local function read(key, period)
  local head, gone = redis.call('LRANGE', key, 0, 2), 0
  if head[1] and not (tonumber(head[1]) and tonumber(head[2])) then error('foreign') end
  local window = {key = key, used = tonumber(head[1]) or 0, now = now}
  while head[2] and (tonumber(head[2]) <= now - period or head[3] == '0') do
    window.used, gone = window.used - head[3], gone + 1
    head = redis.call('LRANGE', key, 2 * gone, 2 * gone + 2)
  end
  if head[2] then
    window.oldest = tonumber(head[2])
    local last = redis.call('LRANGE', key, -2, -1)
    window.newest, window.many = tonumber(last[1]), tonumber(last[2])
    window.now = math.max(now, window.newest)
    if window.now > now + LATEST or window.many < 0 then error('foreign') end
  end
  if gone > 0 and head[2] then
    redis.call('LTRIM', key, 2 * gone, -1)
    redis.call('LSET', key, 0, window.used)
  elseif gone > 0 then
    redis.call('DEL', key)
  end
  return window
end
local function look(key, period)
  local sound, window = pcall(read, key, period)
  if sound then return window end
  heal(key)
  return {key = key, used = 0, now = now}
end
local function add(window, period)
  local cell = period / CELLS
  window.used = window.used + 1
  if not window.newest then
    redis.call('RPUSH', window.key, window.used, window.now, 1)
    window.oldest = window.now
  else
    redis.call('LSET', window.key, 0, window.used)
    if math.floor(window.newest / cell) == math.floor(window.now / cell) then
      redis.call('LSET', window.key, -2, window.now)
      redis.call('LSET', window.key, -1, window.many + 1)
      if window.oldest == window.newest then window.oldest = window.now end
    else
      redis.call('RPUSH', window.key, window.now, 1)
    end
  end
  window.newest = window.now
  redis.call('PEXPIRE', window.key, math.ceil((window.now - now + period) / 1000))
end
local function soonest(window, count)
  if window.used <= count then return window.oldest end
  local cells, left = redis.call('LRANGE', window.key, 1, -1), window.used
  for i = 1, #cells, 2 do
    left = left - cells[i + 1]
    if left < count then return tonumber(cells[i]) end
  end
end
local function more(window, count)
  local sound, time = pcall(soonest, window, count)
  if sound then return time end
  heal(window.key)
end
local answers, first, at = {}, 0, 1
while at <= #ARGV do
  local many, windows, answer = tonumber(ARGV[at]), {}, {1}
  for i = 1, many do
    windows[i] = look(KEYS[first + i], ARGV[at + 2 * i] * 1000000)
    if windows[i].used >= tonumber(ARGV[at + 2 * i - 1]) then answer[1] = 0 end
  end
  for i, window in ipairs(windows) do
    local count, period = tonumber(ARGV[at + 2 * i - 1]), ARGV[at + 2 * i] * 1000000
    if answer[1] == 1 then add(window, period) end
    local soon = more(window, count) or now - period
    local had = {math.max(0, count - window.used), soon + period - now, (window.newest or now - period) + period - now}
    for _, number in ipairs({had[1], had[2], had[3], window.now}) do answer[#answer + 1] = number end
  end
  answers[#answers + 1], first, at = answer, first + many, at + 1 + 2 * many
end
answers[#answers + 1] = healed
return answers
""".replace("CELLS", str(CELLS)).replace("LATEST", str(_LATEST))
)
# Refunds one request to the cell in which it was counted. Arguments: for each key the time of counting, and the period.
REFUND = Script(
    """
local healed = {}
local function refund(i, key)
  local cell, at = ARGV[2 * i] * 1000000 / CELLS, -2
  local counted = math.floor(ARGV[2 * i - 1] / cell)
  local pair = redis.call('LRANGE', key, at, at + 1)
  while pair[2] and math.floor(pair[1] / cell) > counted do
    at = at - 2
    pair = redis.call('LRANGE', key, at, at + 1)
  end
  if pair[2] and math.floor(pair[1] / cell) == counted and tonumber(pair[2]) > 0 then
    local used = redis.call('LINDEX', key, 0) - 1
    if used == 0 then redis.call('DEL', key) else
      redis.call('LSET', key, at + 1, pair[2] - 1)
      redis.call('LSET', key, 0, used)
    end
  end
end
for i, key in ipairs(KEYS) do
  if not pcall(refund, i, key) then
    redis.call('DEL', key)
    healed[#healed + 1] = key
  end
end
return healed
""".replace("CELLS", str(CELLS))
)


class Count(msgspec.Struct, frozen=True):
    """The state of one key; times are in microseconds."""

    left: int
    more: int
    """Time until another request is allowed."""
    full: int
    """Time until the window is empty."""
    at: int
    """Time of counting, on the clock of the counting process."""


class Window:
    """The cells of one key, in memory."""

    __slots__ = ("cells", "period", "used")

    def __init__(self) -> None:
        self.cells: deque[list[int]] = deque()
        self.period = 0
        self.used = 0

    def forget(self, now: int) -> None:
        """Drop cells that have left the window."""
        while self.cells and (self.cells[0][0] <= now - self.period or self.cells[0][1] == 0):
            self.used -= self.cells.popleft()[1]

    def add(self, now: int) -> int:
        """Count one request and return its time, which never decreases even if the clock was set back."""
        now = max(now, self.cells[-1][0]) if self.cells else now
        if self.cells and self.cell(self.cells[-1][0]) == self.cell(now):
            self.cells[-1] = [now, self.cells[-1][1] + 1]
        else:
            self.cells.append([now, 1])
        self.used += 1
        return now

    def remove(self, at: int) -> None:
        """Refund one request counted at that time."""
        for each in self.cells:
            if self.cell(each[0]) == self.cell(at) and each[1] > 0:
                each[1] -= 1
                self.used -= 1
                break
        if self.used == 0:
            self.cells.clear()

    def cell(self, at: int) -> int:
        return at * CELLS // self.period

    def count(self, most: int, now: int, at: int) -> Count:
        """Return the state with `most` allowed, after a request counted at `at`."""
        kept, more = self.used, now
        for time, many in self.cells:
            kept, more = kept - many, time + self.period
            if kept < most:
                break
        return Count(max(0, most - self.used), more - now, self.full - now if self.cells else 0, at)

    @property
    def full(self) -> int:
        """Return the time when the window is empty again."""
        return self.cells[-1][0] + self.period if self.cells else 0


class Memory:
    """Windows of a process that counts by itself. Bounded: keeps the keys that are full again last."""

    def __init__(self) -> None:
        self.windows: dict[str, Window] = {}

    def charge(self, asked: list[tuple[str, int, int]], seconds: float) -> tuple[bool, list[Count]]:
        """Charge one request to each (key, count, period in seconds), or to none if one has no room."""
        now = int(seconds * _SECOND)
        if len(self.windows) > _MEMORY_KEYS:
            kept = heapq.nlargest(_MEMORY_KEYS // 2, self.windows.items(), key=lambda item: item[1].full)
            self.windows = dict(kept)
        windows = [self.windows.setdefault(key, Window()) for key, _, _ in asked]
        for window, (_, _, period) in zip(windows, asked, strict=True):
            window.period = period * _SECOND
            window.forget(now)
        allowed = all(window.used < most for window, (_, most, _) in zip(windows, asked, strict=True))
        counts = []
        for window, (_, most, _) in zip(windows, asked, strict=True):
            at = window.add(now) if allowed else now
            counts.append(window.count(most, now, at))
        return allowed, counts

    def refund(self, key: str, at: int) -> None:
        """Refund one request counted at that time."""
        if key in self.windows:
            self.windows[key].remove(at)
