// nimbus.yaml: what a repository says of itself. It overrides detection phase by phase; a mistake in it is named, never guessed around.
import { parse } from 'yaml'
import * as z from 'zod'
import { NimbusError } from '../kernel/errors.ts'

const command = z.union([z.string().min(1).max(4096), z.array(z.string().max(4096)).min(1).max(256)])
const commands = z.union([command, z.array(command).max(32)])

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
const variables = z.record(variable, z.string().max(4096))
/** A value of an `.env` is one line. */
const lines = z.record(
  variable,
  z
    .string()
    .max(4096)
    .regex(/^[^\r\n]*$/, 'must be one line'),
)

const schema = z.strictObject({
  install: commands.optional(),
  build: commands.optional(),
  test: commands.optional(),
  /** The long-running command of the project. */
  run: command.optional(),
  /** A command or an address that answers when it is healthy. */
  check: command.optional(),
  artifacts: z.array(z.string().min(1).max(512)).max(64).optional(),
  tools: z.record(z.string().min(1).max(64), z.string().max(64)).optional(),
  skills: z.array(z.string().min(1).max(128)).max(32).optional(),
  env: variables.optional(),
  /** The folder to build in, where it is not the root. */
  dir: z
    .string()
    .max(512)
    .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))/, 'must stay inside the repository')
    .optional(),
  /** Its submodules belong to it: every clone for work brings them. */
  submodules: z.boolean().optional(),
  /** What the work tree of an agent's session needs before the first turn: commands, and values and free ports by name in its `.env`. */
  session: z.strictObject({ setup: commands.optional(), env: lines.optional(), ports: z.array(variable).max(16).optional() }).optional(),
  services: z.unknown().optional(),
  pages: z.unknown().optional(),
})
export type Override = Omit<z.infer<typeof schema>, 'install' | 'build' | 'test' | 'run' | 'check' | 'session'> & {
  install?: string[][]
  build?: string[][]
  test?: string[][]
  run?: string[]
  check?: string[]
  session?: { setup?: string[][]; env?: Record<string, string>; ports?: string[] }
}

const YAML_BYTES_MAX = 64 * 1024

/** @throws NimbusError `nimbus-yaml` that names key, value and cure */
export function readOverride(text: string): Override {
  if (Buffer.byteLength(text) > YAML_BYTES_MAX) throw refusal(`it is larger than ${YAML_BYTES_MAX} bytes`)
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 20 }) ?? {}
  } catch (error) {
    throw refusal((error as Error).message.split('\n')[0] ?? 'it is not YAML')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw refusal(`${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'not valid'}`)
  }
  const { install, build, test, run, check, session, ...rest } = parsed.data
  return {
    ...rest,
    ...(install === undefined ? {} : { install: listOf(install) }),
    ...(build === undefined ? {} : { build: listOf(build) }),
    ...(test === undefined ? {} : { test: listOf(test) }),
    ...(run === undefined ? {} : { run: argvOf(run) }),
    ...(check === undefined ? {} : { check: argvOf(check) }),
    ...(session === undefined ? {} : { session: sessionOf(session) }),
  }
}

function sessionOf({ setup, env, ports }: NonNullable<z.infer<typeof schema>['session']>): NonNullable<Override['session']> {
  return {
    ...(setup === undefined ? {} : { setup: listOf(setup) }),
    ...(env === undefined ? {} : { env }),
    ...(ports === undefined ? {} : { ports }),
  }
}

/** A list is several commands when any part of it is a list itself or has a blank; `[npm, run, build]` is one. */
function listOf(value: z.infer<typeof commands>): string[][] {
  if (typeof value === 'string') return [argvOf(value)]
  const several = value.some((one) => Array.isArray(one) || /\s/.test(one))
  return several ? value.map(argvOf) : [value as string[]]
}

/** Text is a line for the shell; a list is run as it stands. */
function argvOf(value: string | string[]): string[] {
  return typeof value === 'string' ? ['sh', '-c', value] : value
}

function refusal(why: string): NimbusError {
  return new NimbusError('nimbus-yaml', `nimbus.yaml is refused: ${why}.`, {
    kind: 'usage',
    cure: 'Mend it, or remove it to have the build detected.',
  })
}
