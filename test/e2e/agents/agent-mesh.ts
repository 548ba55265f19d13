// A mesh whose agents speak with a scripted model: what the tests of sessions share. Nothing of the machine's own logins is in it.
import type { OrderView, SessionMessage, SessionView } from '../../../protocols/http/sessions.ts'
import type { EventView } from '../../../protocols/http/views.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { type ScriptedModel, startScriptedModel } from '../../support/servers/scripted-model.ts'
import { until } from '../../support/until.ts'

export const claude = requirement('claude')
export const bwrap = requirement('bwrap')

export type AgentMesh = {
  mesh: RealMesh
  model: ScriptedModel
  /** @param env more variables of the node */
  add(name: string, flags?: string[], env?: Record<string, string>): Promise<RealNode>
  close(): Promise<void>
}

export async function createAgentMesh(): Promise<AgentMesh> {
  const model = await startScriptedModel()
  const mesh = await createRealMesh()
  return {
    mesh,
    model,
    add(name, flags = [], env = {}) {
      const own = { NIMBUS_CLAUDE: claude.path ?? '', ...model.env(), ...env }
      const words = Object.entries(own).map(([key, value]) => `${key}=${value}`)
      return mesh.add(name, flags, { run: ['/usr/bin/env', ...words], http: '127.0.0.1:0', listen: '/ip4/127.0.0.1/tcp/0' })
    },
    async close() {
      await mesh.close()
      await model.close()
    },
  }
}

export async function start(node: RealNode, request: Record<string, unknown>): Promise<SessionView> {
  const { status, body } = await node.api<SessionView>('/api/sessions', { body: { freeMemoryMb: 0, ...request } })
  if (status !== 201) throw new Error(`session start: ${status} ${JSON.stringify(body)}`)
  return body
}

export async function session(node: RealNode, id: string): Promise<SessionView> {
  return (await node.api<SessionView>(`/api/sessions/${id}`)).body
}

export async function inState(node: RealNode, id: string, states: string, timeoutMs = 90_000): Promise<SessionView> {
  const wanted = states.split('|')
  let last: SessionView | undefined
  try {
    await until(
      async () => {
        last = await session(node, id)
        return wanted.includes(last.state)
      },
      { what: `session ${id} in state ${states}`, timeoutMs },
    )
  } catch (error) {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`)
  }
  return last as SessionView
}

export async function order(node: RealNode, id: string, verb: string, body: object = {}): Promise<OrderView> {
  return (await node.api<OrderView>(`/api/sessions/${id}/${verb}`, { body })).body
}

export async function messages(node: RealNode, id: string): Promise<SessionMessage[]> {
  const response = await fetch(`${node.ready.http}/api/sessions/${id}/messages`, { headers: { authorization: `Bearer ${node.token}` } })
  return (await response.text()).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SessionMessage]))
}

export type Seen = { event: EventView; atMs: number }

/** Reads the event stream of a node until `stop`. */
export function watch(node: RealNode, types: string): { seen: Seen[]; stop(): void } {
  const gone = new AbortController()
  const seen: Seen[] = []
  const read = async (): Promise<void> => {
    const response = await fetch(`${node.ready.http}/api/events?types=${types}`, {
      headers: { authorization: `Bearer ${node.token}`, accept: 'text/event-stream' },
      signal: gone.signal,
    })
    let rest = ''
    for await (const piece of response.body ?? []) {
      rest += new TextDecoder().decode(piece as Uint8Array)
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = block.split('\n').find((line) => line.startsWith('data:'))
        if (data !== undefined) seen.push({ event: JSON.parse(data.slice(5)) as EventView, atMs: Date.now() })
      }
    }
  }
  void read().catch(() => {}) // stopped
  return { seen, stop: () => gone.abort() }
}
