// What every command is given: where it reads and writes, what the person asked for in general, and the node to talk
// to. Must never write a foreign text to a terminal without `safe`.
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { createSystemClock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'

export type Io = {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  env: NodeJS.ProcessEnv
  workDir: string
}

/** Options that are accepted anywhere before `--`. */
export type Globals = { data?: string; url?: string; token?: string; json: boolean; quiet: boolean }

export type Cli = {
  io: Io
  globals: Globals
  dataDir: string
  /** The words after `--`; undefined where there was none. */
  rest: string[] | undefined
  /** One line, or several, of the answer itself. */
  print(text: string): void
  /** One JSON document on one line. */
  printJson(value: unknown): void
  /** Something for the person beside the answer; goes to stderr. */
  note(text: string): void
  /** Wall clock, for ages. */
  now(): number
}

/** Registers a command's work; what it returns is the exit code, 0 where it returns nothing. */
export type Action = (
  work: (cli: Cli, words: string[], options: Record<string, unknown>) => Promise<number | void>,
) => (...given: unknown[]) => Promise<void>

const VALUED = new Set(['data', 'url', 'token'])
const SWITCHES = new Set(['json', 'quiet'])

/** Takes the global options out of the arguments, so that commander meets only what belongs to a command. */
export function takeGlobals(argv: readonly string[]): { globals: Globals; words: string[]; rest: string[] | undefined } {
  const end = argv.indexOf('--')
  const before = end < 0 ? argv : argv.slice(0, end)
  const globals: Globals = { json: false, quiet: false }
  const words: string[] = []
  for (let at = 0; at < before.length; at++) {
    const word = before[at] ?? ''
    const [, name = '', inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(word) ?? []
    if (SWITCHES.has(name) && inline === undefined) globals[name as 'json' | 'quiet'] = true
    else if (VALUED.has(name)) {
      const value = inline ?? before[++at]
      if (value === undefined || value === '')
        throw new NimbusError('usage', `--${name} needs a value.`, { kind: 'usage', cure: `Write --${name} VALUE.` })
      globals[name as 'data' | 'url' | 'token'] = value
    } else words.push(word)
  }
  return { globals, words, rest: end < 0 ? undefined : argv.slice(end + 1) }
}

export function createCli(io: Io, globals: Globals, rest: string[] | undefined): Cli {
  const write = (stream: NodeJS.WriteStream, text: string) => void stream.write(text.endsWith('\n') ? text : `${text}\n`)
  return {
    io,
    globals,
    dataDir: dataDirOf(globals, io),
    rest,
    print: (text) => write(io.stdout, text),
    printJson: (value) => write(io.stdout, JSON.stringify(value)),
    note: (text) => (globals.quiet ? undefined : write(io.stderr, text)),
    now: () => createSystemClock().wallMs(),
  }
}

function dataDirOf(globals: Globals, io: Io): string {
  const named = globals.data ?? io.env['NIMBUS_DATA']
  if (named !== undefined && named !== '') return isAbsolute(named) ? named : join(io.workDir, named)
  return join(homedir(), '.nimbus')
}
