// How much memory a process and everything below it use by themselves: pages that others share with them are not counted.
import { readdirSync, readFileSync } from 'node:fs'

const PAGE_BYTES = 4096

/** In bytes; 0 where the process is gone, or the system has no /proc. */
export function ownMemoryOf(root: number): number {
  const children = new Map<number, number[]>()
  for (const name of processes()) {
    const parent = parentOf(name)
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  let bytes = 0
  const seen = new Set<number>()
  const waiting = [root]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (seen.has(pid)) continue
    seen.add(pid)
    bytes += memoryOf(pid)
    waiting.push(...(children.get(pid) ?? []))
  }
  return bytes
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return [] // no /proc on this system
  }
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined // gone between listing and reading
  }
}

function memoryOf(pid: number): number {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number)
    return Math.max(0, resident - shared) * PAGE_BYTES
  } catch {
    return 0
  }
}
