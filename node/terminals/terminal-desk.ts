// The worker's side of attaching: takes clients of this and of other nodes to the terminals that run here, and carries what they say.
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { AttachRequest, TerminalSaying } from '../../protocols/terminals/frames.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { HostConnection } from '../runner/terminal/host-client.ts'
import { connectHost } from '../runner/terminal/host-client.ts'

/** Clients of all nodes together; one more is refused. */
const ATTACHED_MAX = 256

export type TerminalDesk = {
  /** Frames of the terminal until the signal fires or it ends. A viewer may read. */
  attach(from: PeerId, task: TaskId, request: AttachRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** @throws NimbusError `terminal-not-attached` where this client is not attached through that node */
  say(from: PeerId, to: { task: TaskId; client: string }, n: number, say: TerminalSaying): void
}

export type TerminalDeskComponents = {
  folderOf(task: TaskId): string
  nameOf(peer: PeerId): string
  mayWrite(peer: PeerId): boolean
}

export function createTerminalDesk({ folderOf, nameOf, mayWrite }: TerminalDeskComponents): TerminalDesk {
  const attached = new Map<string, HostConnection>()
  const keyOf = (from: PeerId, task: TaskId, client: string): string => `${from}/${task}/${client}`
  return {
    async *attach(from, task, request, signal) {
      if (request.mode !== 'read' && !mayWrite(from)) throw viewer(nameOf(from))
      if (attached.size >= ATTACHED_MAX)
        throw new NimbusError('busy', `${ATTACHED_MAX} clients are attached to terminals of this node already.`, { kind: 'busy' })
      const host = await connectHost(folderOf(task))
      const key = keyOf(from, task, request.client)
      attached.set(key, host)
      signal.addEventListener('abort', host.close, { once: true })
      try {
        host.say({ t: 'attach', ...request, who: `${request.who} on ${nameOf(from)}`.slice(0, 128) })
        yield* host.frames()
      } finally {
        signal.removeEventListener('abort', host.close)
        host.close()
        if (attached.get(key) === host) attached.delete(key)
      }
    },
    say(from, { task, client }, n, say) {
      if (say.t === 'take' && !mayWrite(from)) throw viewer(nameOf(from))
      const host = attached.get(keyOf(from, task, client))
      if (host === undefined)
        throw new NimbusError('terminal-not-attached', 'This client is not attached to that terminal.', { kind: 'unreachable' })
      host.say({ t: 'say', n, say })
    },
  }
}

function viewer(name: string): NimbusError {
  return new NimbusError('may-not-write', `${name} may not write in a terminal: it is a viewer of this mesh.`, {
    kind: 'refused',
    cure: 'Attach with --read-only, or from a member.',
  })
}
