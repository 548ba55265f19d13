// One error type. `code` is what programs compare; the message says what failed, with which value, why, and the cure.

export type ErrorKind = 'failed' | 'usage' | 'missing' | 'refused' | 'unreachable' | 'busy'

export class NimbusError extends Error {
  readonly code: string
  readonly kind: ErrorKind
  /** What to do about it, in one sentence. */
  readonly cure: string | undefined
  readonly details: Record<string, unknown>

  constructor(
    code: string,
    message: string,
    options: { kind?: ErrorKind; cure?: string; cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'NimbusError'
    this.code = code
    this.kind = options.kind ?? 'failed'
    this.cure = options.cure
    this.details = options.details ?? {}
  }
}

/** The message of whatever was thrown, cut to a length that fits a log line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
