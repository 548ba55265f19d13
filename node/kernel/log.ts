// Structured logs: a constant message, data in fields. Peer bytes and secrets are never fields.
import { pino } from 'pino'

export type Log = {
  debug(fields: Record<string, unknown>, message: string): void
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

const REDACTED = ['token', 'secret', 'psk', 'seed', 'invite', 'authorization', '*.token', '*.secret', '*.psk', '*.seed', '*.authorization']

/** Logs as JSON lines into a file; the terminal belongs to the CLI. */
export function createFileLog(file: string, level: string): Log {
  return pino({ level, redact: REDACTED, base: null }, pino.destination({ dest: file, sync: false, mkdir: true }))
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
