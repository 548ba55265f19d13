// What a person types to publish a task, as text fields, and the request it means. The node is the judge; only what
// cannot become a request at all is refused here.
import type { TaskDraft } from '../transport/transport.ts'
import { splitCommand } from './text/command-words.ts'

export type PublishFields = {
  command: string
  shell: boolean
  name: string
  repo: string
  ref: string
  worker: string
  pool: string
  skills: string
  roles: string
  labels: string
  env: string
  priority: string
  timeout: string
  attempts: string
  delay: string
}
export type FieldErrors = Partial<Record<keyof PublishFields, string>>

export const EMPTY_FIELDS: PublishFields = {
  command: '',
  shell: false,
  name: '',
  repo: '',
  ref: '',
  worker: '',
  pool: '',
  skills: '',
  roles: '',
  labels: '',
  env: '',
  priority: '5',
  timeout: '',
  attempts: '1',
  delay: '',
}

export function draftFrom(fields: PublishFields): { draft: TaskDraft; errors: FieldErrors } {
  const errors: FieldErrors = {}
  const { argv, problem } = fields.shell
    ? { argv: fields.command.trim() === '' ? [] : ['sh', '-c', fields.command], problem: undefined }
    : splitCommand(fields.command)
  if (problem !== undefined) errors.command = `This cannot be split into words: ${problem}.`
  else if (argv.length === 0) errors.command = 'Type the command to run, for example: npm test'
  const labels = pairsOf(fields.labels, /[\s,]+/)
  if (labels.broken !== undefined) errors.labels = `"${labels.broken}" is not KEY=VALUE.`
  const env = pairsOf(fields.env, /\n/)
  if (env.broken !== undefined) errors.env = `"${env.broken}" is not NAME=value; one a line.`
  const draft: TaskDraft = { argv }
  for (const key of ['name', 'repo', 'ref', 'worker', 'pool', 'timeout', 'delay'] as const) {
    const text = fields[key].trim()
    if (text !== '') draft[key] = text
  }
  for (const key of ['skills', 'roles'] as const) {
    const words = fields[key].split(/[\s,]+/).filter(Boolean)
    if (words.length > 0) draft[key] = words
  }
  for (const key of ['priority', 'attempts'] as const) {
    const text = fields[key].trim()
    if (text === '') continue
    if (/^\d+$/.test(text)) draft[key] = Number(text)
    else errors[key] = 'A whole number.'
  }
  if (labels.pairs !== undefined) draft.labels = labels.pairs
  if (env.pairs !== undefined) draft.env = env.pairs
  return { draft, errors }
}

/** The fields of a problem document beside the fields of the form; `rest` belongs to none of them. */
export function fieldErrors(problems: ReadonlyMap<string, string>): { errors: FieldErrors; rest: string[] } {
  const errors: FieldErrors = {}
  const rest: string[] = []
  for (const [path, message] of problems) {
    const [first = '', ...deeper] = path.split(/[.[\]]+/).filter(Boolean)
    const field = first === 'argv' ? 'command' : first
    const text = deeper.length > 0 && first !== 'argv' ? `${deeper.join('.')}: ${message}` : message
    if (field in EMPTY_FIELDS) errors[field as keyof PublishFields] = text
    else rest.push(path === '' ? message : `${path}: ${message}`)
  }
  return { errors, rest }
}

function pairsOf(text: string, separator: RegExp): { pairs?: Record<string, string>; broken?: string } {
  const pieces = text.split(separator).filter((piece) => piece.trim() !== '')
  if (pieces.length === 0) return {}
  const pairs: Record<string, string> = {}
  for (const piece of pieces) {
    const equals = piece.indexOf('=')
    if (equals < 1) return { broken: piece.trim() }
    pairs[piece.slice(0, equals).trim()] = piece.slice(equals + 1)
  }
  return { pairs }
}
