// Figures and how a benchmark prints them: percentiles, medians, a table. It never judges: a benchmark is no gate.
import { readFile } from 'node:fs/promises'

/** The value below which `share` of all lie; NaN where there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** Monotonic milliseconds; one line for all processes of a machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Processor milliseconds that these processes have used so far, all threads together; the kernel counts in steps of 10. */
export async function cpuMs(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')))
  const ticks = stats.map((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' '))
  return ticks.reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) * 10, 0)
}

type Memory = Record<'rss' | 'anonymous' | 'file' | 'shared', number>

/** `anonymous` is heap, code and buffers; `file` is the Node binary and libraries, shared by all nodes of a machine. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { rss: megabytes('VmRSS'), anonymous: megabytes('RssAnon'), file: megabytes('RssFile'), shared: megabytes('RssShmem') }
}

export function printTable(title: string, columns: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = [columns, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? rounded(cell) : cell)))
  const widths = columns.map((_, column) => Math.max(...text.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')
  console.log(`\n${title}`)
  for (const row of text) console.log(`  ${line(row).trimEnd()}`)
}

function rounded(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}
