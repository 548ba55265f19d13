// Reads what a client sends: bodies and queries, each against its schema, each within its limit. Nothing reaches a
// handler that a schema did not let through.
import type { Context } from 'hono'
import * as z from 'zod'
import { BODY_BYTES_MAX } from '../../protocols/limits.ts'
import { NimbusError } from '../kernel/errors.ts'
import { issueWords } from './issue-words.ts'
import { flawOfJson } from './json-check.ts'
import { invalidInput } from './problems.ts'

const LIST_LIMIT_MAX = 500
const LIST_LIMIT_DEFAULT = 100
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** The query of every list. Numbers are written in digits alone: no sign, no exponent, no blank. */
export const listQuery = z.strictObject({
  limit: wholeNumber(1, LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  cursor: z.string().min(1).max(256).optional(),
  q: z.string().max(200).optional(),
})

/** A whole number in a query. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, `must be a whole number from ${min} to ${max}`)
    .meta({ description: `a whole number from ${min} to ${max}` })
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`)
}

/** `true`, `1` or nothing for yes; `false` or `0` for no. */
export const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((value) => value !== 'false' && value !== '0')
  .default(false)

export function readQuery<Schema extends z.ZodObject>(context: Context, schema: Schema): z.output<Schema> {
  const values = context.req.queries()
  for (const [key, list] of Object.entries(values)) {
    if (list.length > 1)
      throw new NimbusError('invalid-input', `The query names ${JSON.stringify(key.slice(0, 100))} ${list.length} times.`, {
        kind: 'usage',
        cure: 'Give each parameter once; separate several values by commas.',
      })
  }
  const parsed = schema.safeParse(context.req.query(), { error: issueWords })
  if (!parsed.success) throw invalidInput('query', parsed.error)
  return parsed.data
}

export async function readBody<Schema extends z.ZodType>(context: Context, schema: Schema): Promise<z.output<Schema>> {
  return check(schema, parseJson(await readText(context)))
}

export function check<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body, { error: issueWords })
  if (!parsed.success) throw invalidInput('body', parsed.error)
  return parsed.data
}

/** Leaves out what is undefined: an absent option and an undefined one are not the same to our types. */
export function given<Values extends Record<string, unknown>>(values: Values): { [Key in keyof Values]?: Exclude<Values[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Values]?: Exclude<Values[Key], undefined>
  }
}

/** For requests that need no body: none, or an empty object. */
export async function readNoBody(context: Context): Promise<void> {
  const text = await readText(context)
  if (text.trim() !== '' && text.trim() !== '{}')
    throw new NimbusError('invalid-input', 'This request takes no body.', { kind: 'usage', cure: 'Send it without one, or with {}.' })
}

/** Unsafe methods speak JSON or nothing: a form on a foreign page can send neither. */
export function requireJsonType(headers: Headers): void {
  const type = headers.get('content-type')
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding !== 'identity')
    throw new NimbusError('not-json', 'The body is compressed; this API reads plain JSON only.', {
      kind: 'usage',
      cure: 'Send it without Content-Encoding.',
    })
  const hasBody = headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0
  if (type === null ? hasBody : !JSON_TYPE.test(type)) {
    throw new NimbusError('not-json', 'The body has to be JSON in UTF-8.', { kind: 'usage', cure: 'Send Content-Type: application/json.' })
  }
}

/** The one kind of body that is not JSON; a form cannot send this type either. */
export function requireBytesType(headers: Headers): void {
  if (headers.get('content-type') === 'application/octet-stream' && !headers.has('content-encoding')) return
  throw new NimbusError('not-bytes', 'A blob has to come as plain bytes.', {
    kind: 'usage',
    cure: 'Send Content-Type: application/octet-stream, without Content-Encoding.',
  })
}

/** Text as JSON, without the flaws that JSON.parse lets through. */
export function parseJson(text: string): unknown {
  const flaw = flawOfJson(text)
  if (flaw !== undefined)
    throw new NimbusError('invalid-json', `The body is refused: ${flaw}.`, {
      kind: 'usage',
      cure: 'Send a flat JSON object as /docs shows it.',
    })
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new NimbusError('invalid-json', 'The body is not JSON.', { kind: 'usage', cure: 'Send a JSON document in UTF-8.', cause: error })
  }
}

export async function readText(context: Context, bytesMax = BODY_BYTES_MAX): Promise<string> {
  const length = Number(context.req.header('content-length') ?? 0)
  if (length > bytesMax) throw tooLarge(bytesMax)
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of context.req.raw.body ?? []) {
    size += piece.length
    if (size > bytesMax) throw tooLarge(bytesMax)
    pieces.push(piece)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch (error) {
    throw new NimbusError('invalid-json', 'The body is not UTF-8.', { kind: 'usage', cure: 'Send a JSON document in UTF-8.', cause: error })
  }
}

function tooLarge(bytesMax: number): NimbusError {
  return new NimbusError('body-too-large', `The body is larger than ${bytesMax} bytes.`, {
    kind: 'usage',
    cure: 'Split it: publish fewer tasks at a time.',
  })
}
