// Sessions in memory: one that waits for an answer, as the API shows it.
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import type { SessionsPort } from '../../../../node/api/routes/sessions/sessions-port.ts'
import { NimbusError } from '../../../../node/kernel/errors.ts'

const SESSION = '01k9z5zzzz0000000000000000'

export function createFakeSessions(): SessionsPort {
  const view: SessionView = {
    id: SESSION,
    state: 'waiting',
    prompt: 'hello',
    driver: 'claude',
    author: 'box',
    authorName: 'box',
    turns: 0,
    tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    costUsd: 0,
    files: [],
    asks: [{ request: 'r1', tool: 'Bash', input: '{}', askedAt: 1, reminders: 0 }],
    decided: [],
    refused: [],
    onLoss: 'move',
    createdAt: 1,
    updatedAt: 1,
    tasks: [SESSION],
    pending: 0,
  }
  const known = (id: string): SessionView => {
    if (id === SESSION) return view
    throw new NimbusError('session-unknown', `There is no session ${id}.`, { kind: 'missing' })
  }
  const order = async (id: string) => ({ order: 'o1', taken: true, session: known(id) })
  return {
    list: () => ({ items: [view] }),
    find: (id) => (id === SESSION ? view : undefined),
    start: async ({ prompt }) => ({ ...view, prompt }),
    send: order,
    interrupt: order,
    stop: order,
    move: order,
    answer: order,
    resume: async (id) => known(id),
    async *messages(id) {
      yield { task: known(id).id, epoch: 1, at: 0, event: { type: 'note', time: 1, text: 'hello' } }
    },
    offer: async (id) => ({
      session: known(id).id,
      branch: `nimbus/${id}`,
      into: 'main',
      commit: 'c0ffee',
      number: 1,
      address: 'https://forge.test/pull/1',
      existed: false,
    }),
    merge: async (id) => ({ session: known(id).id, merged: true, into: 'main', touchedBy: [] }),
    async diff(id) {
      known(id)
      return { size: 0, bytes: (async function* () {})() }
    },
  }
}
