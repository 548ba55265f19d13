// `task run` and `task wait`: they end with the task's own exit code.
import type { Command } from 'commander'
import type { AttemptView, TaskView } from '../../../protocols/http/views.ts'
import { createHoldingClock } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { Client } from '../client.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { describeError, EXIT, exitCodeOf, exitCodeOfTask } from '../exit-codes.ts'
import { freeSlotWhileWaiting } from '../tasks/free-slot.ts'
import { followTask } from '../tasks/follow-task.ts'
import { createProgressNote } from '../tasks/progress-note.ts'
import { createLogWriter } from '../tasks/log-writer.ts'
import { shipInputs } from '../tasks/ship-inputs.ts'
import { addTaskOptions, requestOf } from '../tasks/task-options.ts'
import { hasEnded, watchTask } from '../tasks/task-watcher.ts'

export function addRunCommands(task: Command, action: Action): void {
  addTaskOptions(
    task
      .command('run')
      .argument('[command...]', 'the command and its words, after --')
      .usage('[OPTIONS] -- COMMAND [WORDS]')
      .description('publish a task, show its output, end with its exit code'),
  ).action(
    action(async (cli, words, options) => {
      const request = requestOf(onlyAfterDashes(cli, words), options)
      return asNimbusError(cli, async () => {
        const client = await createClient(cli)
        const { id, durability, duplicate } = await client.post<{ id: string; durability: string; duplicate?: boolean }>(
          '/api/tasks',
          await shipInputs(cli, client, request, options),
        )
        if (cli.globals.json) cli.printJson({ event: 'published', id, ...(duplicate === true ? { duplicate } : {}) })
        if (duplicate === true) cli.note(`nimbus: task ${id} with this key exists already; this shows it.`)
        else if (durability === 'local') cli.note('nimbus: kept by this node alone for now; a majority of the keepers cannot be reached.')
        return follow(cli, client, id, { cancelOnInterrupt: true })
      })
    }),
  )
  task
    .command('wait <id>')
    .description('wait for the end of a task and end with its exit code')
    .action(
      action(async (cli, [id = '']) => {
        const client = await createClient(cli)
        const watcher = await watchTask(client, id, createHoldingClock())
        const free = freeSlotWhileWaiting(cli, client, id)
        const ended = await watcher.until(hasEnded)
        watcher.stop()
        free()
        if (cli.globals.json) cli.printJson(ended)
        else sayEnd(cli, ended)
        return exitCodeOfTask(ended)
      }),
    )
}

/** Follows a task to its end on this terminal. */
export async function follow(cli: Cli, client: Client, id: string, options: { cancelOnInterrupt: boolean }): Promise<number> {
  const clock = createHoldingClock()
  const progress = createProgressNote(cli)
  const watcher = await watchTask(client, id, clock, progress.show)
  const write = createLogWriter(cli)
  const free = freeSlotWhileWaiting(cli, client, id)
  const forget = options.cancelOnInterrupt ? onInterrupt(cli, client, id) : () => {}
  try {
    const ended = await followTask(client, watcher, clock, {
      chunk(piece) {
        progress.clear()
        return write(piece)
      },
      attempt: (now, before) => cli.note(`nimbus: ${whatHappened(before)}; attempt ${now.epoch} runs on ${safe(now.workerName)}.`),
      missing: (reason) => cli.note(`nimbus: ${reason}.`),
    })
    progress.clear()
    if (cli.globals.json) cli.printJson({ event: 'ended', task: ended })
    else if (ended.state === 'succeeded') sayNotes(cli, ended)
    else sayEnd(cli, ended)
    return exitCodeOfTask(ended)
  } finally {
    watcher.stop()
    free()
    forget()
  }
}

/** Ctrl-C once asks the mesh to cancel the task and goes on showing it; twice leaves. */
function onInterrupt(cli: Cli, client: Client, id: string): () => void {
  let asked = false
  const interrupt = () => {
    if (asked) process.exit(EXIT.interrupted)
    asked = true
    cli.note(`\nnimbus: cancelling ${id}; press Ctrl-C again to leave it to the mesh.`)
    client.post(`/api/tasks/${id}/cancel`).catch((error: unknown) => cli.note(`nimbus: could not cancel it: ${safe(messageOf(error))}`))
  }
  process.on('SIGINT', interrupt)
  return () => void process.off('SIGINT', interrupt)
}

/** A command that hides its words among our options would be taken apart: it comes after `--`. */
export function onlyAfterDashes(cli: Cli, words: readonly string[]): readonly string[] | undefined {
  return cli.rest === undefined || words.length > cli.rest.length ? undefined : cli.rest
}

/** For `task run` every error of ours is 125, so that a script can tell it from the task's own code; usage stays 2. */
async function asNimbusError(cli: Cli, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (exitCodeOf(error) === EXIT.usage) throw error
    cli.io.stderr.write(`${describeError(error, cli.io.env)}\n`)
    return EXIT.nimbus
  }
}

function whatHappened(attempt: AttemptView): string {
  if (attempt.outcome === 'lost') return `worker ${safe(attempt.workerName)} was lost`
  return `attempt ${attempt.epoch} on ${safe(attempt.workerName)} ${attempt.outcome}${attempt.exitCode === undefined ? '' : ` with exit code ${attempt.exitCode}`}`
}

/** What the folder of the task did not hold, whether or not that was missed. */
function sayNotes(cli: Cli, { result }: TaskView): void {
  for (const note of result?.notes ?? []) cli.note(`nimbus: ${safe(note)}`)
}

/** The text of a worker, without the full stop that follows it here. */
const sentence = (text: string): string => safe(text.replace(/\.$/, ''))

function sayEnd(cli: Cli, task: TaskView): void {
  const result = task.result
  const why =
    result?.timedOut === true
      ? `timed out${result.error === undefined ? '' : `: ${sentence(result.error)}`}`
      : result?.signal !== undefined
        ? `ended by ${safe(result.signal)}`
        : result?.exitCode !== undefined
          ? `exit code ${result.exitCode}${result.error === undefined ? '' : `: ${sentence(result.error)}`}`
          : sentence(result?.error ?? 'it did not run')
  const attempts = task.attempts.length > 1 ? `, ${task.attempts.length} attempts` : ''
  sayNotes(cli, task)
  cli.note(`nimbus: task ${task.id} ${task.state}: ${why}${attempts}.`)
}
