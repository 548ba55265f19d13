// Publishes many tasks, one a line as JSON: read as they come, sent in requests of a size that a node takes, so that a file may be
// larger than memory. `afterIndex` counts the tasks of the whole file, from 0.
import { createReadStream } from 'node:fs'
import { PUBLISH_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { Client } from '../client.ts'
import type { Cli } from '../context.ts'
import { linesOf } from '../lines.ts'

/** Bytes of one request, below the limit of a body. */
const BATCH_BYTES_MAX = 900_000
/** Tasks of one request: the next ones are read while these are taken in. */
const BATCH_MAX = Math.min(1_000, PUBLISH_MAX)

type Line = { number: number; task: Record<string, unknown>; bytes: number }

export async function publishFile(cli: Cli, client: Client, file: string): Promise<void> {
  const ids: string[] = []
  const send = async (batch: readonly Line[]): Promise<void> => {
    const tasks = batch.map(({ task }) => withKnownIds(task, ids))
    const made = await client.post<{ ids: string[] }>('/api/tasks', { tasks }).catch((error: unknown) => {
      if (ids.length === 0 || !(error instanceof NimbusError)) throw error
      const { code, kind, message } = error
      throw new NimbusError(code, `${message} The first ${ids.length} tasks are published.`, {
        kind,
        cure: goOn(batch[0]?.number ?? 1),
        cause: error,
      })
    })
    if (!cli.globals.json) for (const id of made.ids) cli.print(id)
    ids.push(...made.ids)
  }
  let batch: Line[] = []
  let size = 0
  for await (const line of tasksOf(cli, file, () => ids.length)) {
    if (batch.length === BATCH_MAX || (batch.length > 0 && size + line.bytes > BATCH_BYTES_MAX)) {
      await send(batch)
      batch = []
      size = 0
    }
    batch.push(line)
    size += line.bytes
  }
  if (batch.length > 0) await send(batch)
  if (cli.globals.json) cli.printJson({ ids })
}

async function* tasksOf(cli: Cli, file: string, published: () => number): AsyncGenerator<Line> {
  let number = 0
  for await (const line of linesOf(bytesOf(cli, file))) {
    number += 1
    if (line.trim() === '') continue
    yield { number, task: parseLine(line, number, file, published()), bytes: Buffer.byteLength(line) + 1 }
  }
}

function parseLine(line: string, number: number, file: string, published: number): Record<string, unknown> {
  try {
    const task: unknown = JSON.parse(line)
    if (typeof task === 'object' && task !== null && !Array.isArray(task)) return task as Record<string, unknown>
    throw new SyntaxError('it is no object')
  } catch (error) {
    throw new NimbusError('usage', `Line ${number} of ${safe(file)} is not a task as JSON: ${(error as Error).message}.`, {
      kind: 'usage',
      cure: `Write one task a line, as {"argv":["echo","hello"]}. ${published === 0 ? 'Nothing was published.' : `The first ${published} tasks are published.`}`,
    })
  }
}

/** Tasks of an earlier request have IDs by now; those of this one are counted from its own first. */
function withKnownIds(task: Record<string, unknown>, ids: readonly string[]): Record<string, unknown> {
  const index = task['afterIndex']
  if (!Array.isArray(index) || ids.length === 0) return task
  const known = index.flatMap((at) => (typeof at === 'number' ? (ids[at] ?? []) : []))
  const open: unknown[] = index.flatMap((at: unknown) => (typeof at !== 'number' ? [at] : ids[at] === undefined ? [at - ids.length] : []))
  const after = Array.isArray(task['after']) ? (task['after'] as unknown[]) : []
  return { ...task, after: [...after, ...known], afterIndex: open }
}

async function* bytesOf(cli: Cli, file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of file === '-' ? cli.io.stdin : createReadStream(file))
      yield typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array)
  } catch (error) {
    throw new NimbusError('usage', `${safe(file)} cannot be read: ${(error as Error).message}.`, {
      kind: 'usage',
      cure: 'Give a file of JSON lines, or - for stdin.',
      cause: error,
    })
  }
}

function goOn(line: number): string {
  return `Correct it, then publish the rest, from line ${line} on.`
}
