// What nimbus.yaml of a repository says of its services: `services: { NAME: { run, port, health, env } }`, or `run` for the only one.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { readOverride } from '../builds/override.ts'
import { NimbusError } from '../kernel/errors.ts'

const services = z.record(
  z.string().max(64),
  z.strictObject({
    run: z.union([z.string().min(1).max(4096), z.array(z.string().max(4096)).min(1).max(256)]).optional(),
    port: z.int().min(1).max(65_535).optional(),
    health: z.string().startsWith('/').max(1024).optional(),
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(4096)).optional(),
  }),
)
export type ServiceYaml = { argv?: string[]; port?: number; health?: string; env?: Record<string, string> }

/** @throws NimbusError `nimbus-yaml` that names key, value and cure */
export async function readServiceYaml(dir: string, name: string): Promise<ServiceYaml> {
  const text = await readFile(join(dir, 'nimbus.yaml'), 'utf8').catch(() => undefined) // a repository needs none
  if (text === undefined) return {}
  const override = readOverride(text)
  const parsed = services.safeParse(override.services ?? {})
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new NimbusError(
      'nimbus-yaml',
      `nimbus.yaml is refused: services.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}.`,
      {
        kind: 'usage',
        cure: 'Mend it: services.NAME has run, port, health and env.',
      },
    )
  }
  const { run, port, health, env } = parsed.data[name] ?? {}
  const argv = run === undefined ? override.run : typeof run === 'string' ? ['sh', '-c', run] : run
  return {
    ...(argv === undefined ? {} : { argv }),
    ...(port === undefined ? {} : { port }),
    ...(health === undefined ? {} : { health }),
    ...(env === undefined ? {} : { env }),
  }
}
