// How tasks look on a terminal.
import type { TaskView } from '../../../protocols/http/views.ts'
import { formatDuration } from '../../kernel/durations.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { Cli } from '../context.ts'
import type { Cell, Tone } from '../table.ts'
import { paint, renderFacts, renderTable } from '../table.ts'

const TONES: Record<TaskView['state'], Tone> = {
  blocked: 'dim',
  scheduled: 'dim',
  ready: 'plain',
  running: 'busy',
  succeeded: 'good',
  failed: 'bad',
  dead: 'bad',
  cancelled: 'dim',
}
const TITLE_CHARS_MAX = 200

export function renderTasks(cli: Cli, tasks: readonly TaskView[]): string {
  const rows = tasks.map((task): Cell[] => [
    task.id,
    stateCell(task),
    task.attempts.at(-1)?.workerName ?? '',
    ageOf(cli, task.createdAt),
    titleOf(task),
  ])
  return renderTable(
    cli.io,
    [{ title: 'TASK' }, { title: 'STATE' }, { title: 'WORKER' }, { title: 'AGE', right: true }, { title: 'WHAT', gives: true }],
    rows,
  )
}

export function renderTask(cli: Cli, task: TaskView): string {
  const { result, spec } = task
  const facts = renderFacts(cli.io, [
    ['task', task.id],
    ['name', typeof spec['name'] === 'string' ? spec['name'] : ''],
    ['state', stateCell(task)],
    ['command', shellWords(spec.argv)],
    ['wants', wantsOf(spec)],
    ['by', `${task.authorName}, ${ageOf(cli, task.createdAt)} ago`],
    ['retry of', typeof spec['retryOf'] === 'string' ? spec['retryOf'] : ''],
    ['waiting', task.waiting === undefined ? '' : `${task.waiting.message} ${task.waiting.cure}`],
    ['result', result === undefined ? '' : resultText(result)],
    ...(result?.notes ?? []).map((note): [string, string] => ['note', note]),
  ])
  if (task.attempts.length === 0) return facts
  const rows = task.attempts.map((attempt): Cell[] => [
    String(attempt.epoch),
    attempt.workerName,
    attempt.outcome,
    formatDuration((attempt.endedAt ?? cli.now()) - attempt.startedAt),
    resultText(attempt),
  ])
  return `${facts}\n\n${renderTable(cli.io, [{ title: 'ATTEMPT', right: true }, { title: 'WORKER' }, { title: 'OUTCOME' }, { title: 'TOOK', right: true }, { title: 'END', gives: true }], rows)}`
}

/** The one question of `task why`, answered in one or two lines. */
export function renderWhy(cli: Cli, task: TaskView): string {
  if (task.waiting !== undefined)
    return `${safe(task.id)} is ${task.state} for ${ageOf(cli, task.waiting.since)}: ${safe(task.waiting.message)}\n${paint(cli.io, safe(task.waiting.cure), 'busy')}`
  if (task.state === 'running')
    return `${task.id} is running on ${safe(task.attempts.at(-1)?.workerName ?? 'a worker')}; follow it: nimbus task logs -f ${task.id}`
  if (task.result === undefined) return `${task.id} is ${task.state}; nothing keeps it from running.`
  const again = task.state === 'succeeded' ? '' : `\nRun it again: nimbus task retry ${task.id}. Its output: nimbus task logs ${task.id}`
  return `${task.id} ${task.state}: ${resultText(task.result)}${again}`
}

function stateCell(task: TaskView): Cell {
  const cancelling = task.cancelRequested === true && task.state === 'running' ? ' (cancelling)' : ''
  return { text: `${task.state}${cancelling}${task.provisional === true ? ' (not settled)' : ''}`, tone: TONES[task.state] }
}

function resultText(result: {
  exitCode?: number | undefined
  signal?: string | undefined
  timedOut?: boolean | undefined
  error?: string | undefined
}): string {
  const parts = [
    result.timedOut === true ? 'timed out' : '',
    result.signal === undefined ? '' : `ended by ${result.signal}`,
    result.exitCode === undefined ? '' : `exit code ${result.exitCode}`,
    result.error ?? '',
  ]
  return safe(parts.filter((part) => part !== '').join(', '))
}

function titleOf(task: TaskView): string {
  const name = task.spec['name']
  return (typeof name === 'string' && name !== '' ? name : task.spec.argv.join(' ')).slice(0, TITLE_CHARS_MAX)
}

function wantsOf(spec: TaskView['spec']): string {
  const lists = ['skills', 'roles'].flatMap((key) =>
    Array.isArray(spec[key]) ? (spec[key] as string[]).map((item) => `${key.slice(0, -1)} ${item}`) : [],
  )
  const single = ['worker', 'pool', 'repo', 'ref'].flatMap((key) => (typeof spec[key] === 'string' ? [`${key} ${spec[key]}`] : []))
  const labels =
    typeof spec['labels'] === 'object' && spec['labels'] !== null
      ? Object.entries(spec['labels']).map(([key, value]) => `${key}=${String(value)}`)
      : []
  return [...single, ...lists, ...labels].join(', ')
}

/** Words as a shell would need them. */
export function shellWords(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}

function ageOf(cli: Cli, since: number): string {
  return formatDuration(cli.now() - since)
}
