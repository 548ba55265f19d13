// Locks: who holds which, and holding one for as long as the answer is read.
import type { Context } from 'hono'
import * as z from 'zod'
import type { LockEventView } from '../../../../protocols/http/names.ts'
import { lockEvent, lockRequest, lockView, nameText } from '../../../../protocols/http/names.ts'
import { parseDuration } from '../../../kernel/durations.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { describe } from '../../describe.ts'
import type { Api, ApiEnv } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { check, readBody } from '../../input.ts'
import type { NamesPort } from '../../ports.ts'
import type { StreamGate } from '../../streams.ts'
import { streamOf } from '../../streams.ts'

const LINES = 'application/x-ndjson'
const lockPage = z.object({ items: z.array(lockView) }).meta({ id: 'LockPage' })

export function lockRoutes(names: NamesPort, gate: StreamGate): Api {
  const api = createRoutes()
  api.get(
    '/api/locks',
    describe({
      id: 'listLocks',
      tag: 'names',
      summary: 'Locks that are held',
      answers: { 200: { text: 'All of them', schema: lockPage } },
    }),
    (c) => c.json({ items: names.locks() }),
  )
  const held = { 200: { text: `What happens to the lock, one LockEvent a line (${LINES})`, type: LINES, schema: lockEvent } }
  const summary = 'Wait for a lock and hold it until the answer is closed'
  api.post('/api/locks/:name', describe({ id: 'holdLock', tag: 'names', summary, body: lockRequest, answers: held }), (c) =>
    hold(c, names, gate),
  )
  return api
}

async function hold(c: Context<ApiEnv>, names: NamesPort, gate: StreamGate): Promise<Response> {
  const { wait, ttl } = await readBody(c, lockRequest)
  const name = check(nameText, c.req.param('name'))
  const leave = gate.enter()
  const gone = new AbortController()
  const end = (): void => {
    leave()
    gone.abort()
  }
  const body = streamOf(lines(names.hold(name, { waitMs: milliseconds(wait), ttlMs: milliseconds(ttl), signal: gone.signal })), end)
  return c.body(body, 200, { 'content-type': LINES, 'cache-control': 'no-store' })
}

/** A refusal after the wait comes as the last line: the answer has begun by then. */
async function* lines(events: AsyncIterable<LockEventView>): AsyncGenerator<string> {
  try {
    for await (const event of events) yield `${JSON.stringify(event)}\n`
  } catch (error) {
    if (!(error instanceof NimbusError)) throw error
    const { code, message, cure } = error
    const refused: LockEventView = { event: 'refused', code, message, ...(cure === undefined ? {} : { cure }) }
    yield `${JSON.stringify(refused)}\n`
  }
}

function milliseconds(duration: string | number | undefined): number | undefined {
  return typeof duration === 'string' ? parseDuration(duration) : duration
}
