// Prepares the ground of one session (gate, sandbox), runs it, and puts away what it leaves.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentEvent } from '../../../protocols/agents/agent-events.ts'
import { fitEvent } from '../../../protocols/agents/agent-events.ts'
import { findDriver } from '../drivers/find-driver.ts'
import { createEnclosure } from './enclosure.ts'
import { openGate } from './gate.ts'
import { openHistory } from './notes/history.ts'
import { isSameTask, placesOf, readHostOrder } from './notes/host-order.ts'
import { createSaver } from './saving/saver.ts'
import { readyTree } from './setup/ready-tree.ts'
import { SessionLoop } from './session-loop.ts'
import { type HostComponents, MOVING } from './session-parts.ts'
import { harvest } from './work-tree.ts'

const EXIT = { done: 0, failed: 1, interrupted: 130 } as const

/** @returns the exit code */
export async function runSessionHost(components: HostComponents, root: string): Promise<number> {
  const { clock, environment, write } = components
  const places = placesOf(root)
  const order = readHostOrder(places.order)
  const { agent } = order
  const history = openHistory(places.history, isSameTask(places.state, order.task), write)
  const emit = (event: AgentEvent): void => {
    const line = { time: clock.wallMs(), ...fitEvent(event) }
    history.add(JSON.stringify(line))
    write(line)
  }
  const driver = findDriver(agent.driver)
  const folder = mkdtempSync(join(tmpdir(), 'nimbus-'))
  const upstream = driver.upstream?.(environment)
  const gate = await openGate({
    socket: agent.sandbox === 'none' ? undefined : join(folder, 'gate'),
    upstream,
    mesh: meshOf(environment),
    allowed: [...(upstream === undefined ? ['api.anthropic.com'] : []), ...(agent.network ?? [])].map((host) => host.toLowerCase()),
    onRefused: (host) => emit({ type: 'refused', host: host === '' ? '?' : host }),
  })
  try {
    const author = `session ${order.session}`
    const identity = {
      GIT_AUTHOR_NAME: author,
      GIT_AUTHOR_EMAIL: 'session@nimbus.invalid',
      GIT_COMMITTER_NAME: author,
      GIT_COMMITTER_EMAIL: 'session@nimbus.invalid',
    }
    const given = { ...identity, NIMBUS_SESSION: order.session, NIMBUS_MCP: 'http://{gate}/mcp', ...agentVariables(upstream?.variables) }
    const enclosure = createEnclosure({ clock, places, tier: agent.sandbox ?? 'process', gate: gate.address, environment, given })
    const saver = createSaver({
      clock,
      places,
      order,
      enclosure,
      onSaved: (n, after) => write({ time: clock.wallMs(), type: 'saved', n, ...(after === undefined ? {} : { after }) }),
      onFailed: (text) => emit({ type: 'note', text }),
    })
    const parts = { finished: history.finished, worthSaving: saver.note, components, places, order, driver, enclosure, emit }
    const unready = await readyTree({ clock, places, enclosure, environment, signal: components.signal, emit })
    const ending = unready ?? (await new SessionLoop(parts).run())
    // A worker that stops keeps the folder as it is: the next process goes on in it.
    if (ending === undefined) return EXIT.interrupted
    // What moves is put away where it ends.
    const left = ending === MOVING ? undefined : await harvest(enclosure, places, order)
    await saver.finish()
    emit({ type: 'end', ...ending, ...left })
    return EXIT[ending.state]
  } finally {
    gate.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The node and the session's own token. */
function meshOf({ NIMBUS_URL: url, NIMBUS_TOKEN: token }: HostComponents['environment']): { url: string; token: string } | undefined {
  return url === undefined || token === undefined ? undefined : { url, token }
}

/** Where the worker's own credentials are added at the gate, the agent gets words in their place. */
function agentVariables(held: Record<string, string> | undefined): Record<string, string> {
  return held === undefined ? {} : { ANTHROPIC_BASE_URL: 'http://{gate}', ...held }
}
