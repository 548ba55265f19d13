// Durations as people write them: `500ms 30s 15m 7d`.

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns milliseconds, or undefined where the text is not a duration */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text)
  return match === null ? undefined : Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN))
}

/** At most two units: `1m 5s`, `3d 2h`, `450ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  let seconds = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(seconds / size)
    if (count > 0 && parts.length < 2) parts.push(`${count}${unit}`)
    seconds -= count * size
  }
  return parts.join(' ')
}
