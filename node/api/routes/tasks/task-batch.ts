// Reads the tasks of one request: one, or many as {"tasks":[…]}. A body of many megabytes is taken apart task by task, and
// others have their turn in between: nothing waits for it.
import type { Context } from 'hono'
import * as z from 'zod'
import type { TaskRequest } from '../../../../protocols/http/task-request.ts'
import { publishMany, taskRequest } from '../../../../protocols/http/task-request.ts'
import { BODY_BYTES_MAX, PUBLISH_BODY_BYTES_MAX, PUBLISH_MAX } from '../../../../protocols/limits.ts'
import { nextTurn } from '../../../kernel/clock.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { check, parseJson, readText } from '../../input.ts'
import { issueWords } from '../../issue-words.ts'
import { endOfString } from '../../json-check.ts'
import { invalidInput } from '../../problems.ts'

/** Characters between two turns: a few milliseconds of work. */
const TURN_CHARACTERS = 256 * 1024
const HEAD = /^\s*\{\s*"tasks"\s*:\s*\[\s*/
const TAIL = /^\s*\}\s*$/

export async function readTasks(context: Context): Promise<{ many: boolean; requests: TaskRequest[] }> {
  const text = await readText(context, PUBLISH_BODY_BYTES_MAX)
  const head = text.length > BODY_BYTES_MAX ? HEAD.exec(text) : null
  if (head !== null) return { many: true, requests: await readLarge(text, head[0].length) }
  if (text.length > BODY_BYTES_MAX)
    throw new NimbusError('body-too-large', `The body is larger than ${BODY_BYTES_MAX} bytes and holds no batch.`, {
      kind: 'usage',
      cure: 'Send many tasks as {"tasks":[…]} with no other key.',
    })
  // Told apart by the key, not by trying both: so that the message is about what the client meant.
  const body = check(z.looseObject({}), parseJson(text))
  const many = Object.hasOwn(body, 'tasks')
  return { many, requests: many ? check(publishMany, body).tasks : [check(taskRequest, body)] }
}

async function readLarge(text: string, start: number): Promise<TaskRequest[]> {
  const requests: TaskRequest[] = []
  let turn = start
  let at = start
  while (at < text.length && text.charAt(at) !== ']') {
    const end = endOfValue(text, at)
    requests.push(requestAt(text.slice(at, end), requests.length))
    if (requests.length > PUBLISH_MAX) break
    at = afterComma(text, end)
    if (at - turn < TURN_CHARACTERS) continue
    turn = at
    await nextTurn()
  }
  if (requests.length > PUBLISH_MAX || requests.length === 0) check(z.object({ tasks: publishMany.shape.tasks }), { tasks: requests })
  if (!TAIL.test(text.slice(at + 1, at + 1 + BODY_BYTES_MAX))) throw notJson('it does not end behind its list of tasks')
  return requests
}

function requestAt(text: string, place: number): TaskRequest {
  const parsed = taskRequest.safeParse(parseJson(text), { error: issueWords })
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((issue) => ({ ...issue, path: ['tasks', place, ...issue.path] }))
  throw invalidInput('body', new z.ZodError(issues))
}

/** The place behind a JSON value: brackets are counted, strings jumped over. The parser judges the rest. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) at = endOfString(text, at) - 1
    else if (code === 123 || code === 91) depth += 1
    else if (code === 125 || code === 93) {
      if (depth === 0) return at
      depth -= 1
      if (depth === 0) return at + 1
    } else if (code === 44 && depth === 0) return at
  }
  return text.length
}

/** The place of the next value, or of the bracket that ends the list. */
function afterComma(text: string, end: number): number {
  const rest = /^\s*(,\s*(?!\])|(?=\]))/.exec(text.slice(end, end + 4096))
  if (rest === null) throw notJson('its tasks are not separated by commas')
  return end + rest[0].length
}

function notJson(why: string): NimbusError {
  return new NimbusError('invalid-json', `The body is not JSON: ${why}.`, { kind: 'usage', cure: 'Send a JSON document in UTF-8.' })
}
