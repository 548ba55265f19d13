// What a node and the supervisor of a service tell each other: two files in the folder of the run. A file outlives either of the two
// processes, so that a supervisor needs no new word when its node starts anew. Each is written whole and renamed.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { observedService } from '../../protocols/services/service-records.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { repeat } from '../kernel/clock.ts'

/** A revision that is ready to run on this machine. */
export const order = z.object({
  revision: z.int(),
  launch: z.int(),
  argv: z.array(z.string()).min(1),
  /** Run to its end before the first start; its folder is that of the service. */
  build: z.array(z.string()).optional(),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  /** Names of variables of the supervisor itself that are handed on: their values stand in no file. */
  handOn: z.array(z.string()),
  protocol: z.enum(['http', 'tcp']),
  health: z.string().optional(),
  healthTimeoutMs: z.int(),
  drainMs: z.int(),
  restart: z.enum(['always', 'on-failure', 'never']),
  sandbox: z.object({ bwrap: z.string(), writable: z.array(z.string()), readable: z.array(z.string()) }).optional(),
  /** Where the door listens: the port that was asked for, or one to be had again if it is free. */
  host: z.string(),
  port: z.int().optional(),
  portBefore: z.int().optional(),
})
export type ServiceOrder = z.infer<typeof order>
const report = observedService
export type ServiceReport = z.infer<typeof report>

const SCHEMAS = { 'order.json': order, 'report.json': report }
const LOOK_MS = 100

/** Writes a file of this folder as a whole: a reader sees the old one or the new one. */
export async function post<Name extends keyof typeof SCHEMAS>(
  root: string,
  name: Name,
  value: z.infer<(typeof SCHEMAS)[Name]>,
): Promise<void> {
  const file = join(root, name)
  await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Calls back with what stands in the file now, and again when that is something else. */
export function watchMail<Name extends keyof typeof SCHEMAS>(
  clock: Clock,
  where: { root: string; name: Name },
  on: { mail(value: z.infer<(typeof SCHEMAS)[Name]>): void; error(error: unknown): void },
): Cancel {
  let before = ''
  const look = async (): Promise<void> => {
    const text = await readFile(join(where.root, where.name), 'utf8').catch(() => '') // not there yet
    if (text === '' || text === before) return
    before = text
    on.mail(SCHEMAS[where.name].parse(JSON.parse(text)) as never)
  }
  void look().catch(on.error)
  return repeat(clock, LOOK_MS, look, on.error)
}
