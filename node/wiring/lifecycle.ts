// A node's life after its start: draining, stopping, leaving, and the commands that ask for it. What was started is stopped in
// the opposite order; work is finished or given back before anything else goes.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { InviteRequest } from '../../protocols/http/views.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { NodePort, WorkerVerb } from '../api/ports.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { sleep } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/durations.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { MeshHost } from '../mesh/host.ts'
import type { Runner } from '../runner/guardian-client.ts'
import type { Engine } from '../tasks/engine.ts'
import type { Fleet } from '../tasks/view/fleet.ts'
import type { ShellWork } from '../tasks/work/shell-work.ts'
import type { Invites } from '../trust/invites.ts'
import type { TrustSet } from '../trust/trust-set.ts'
import type { MemberFacts } from './member-facts.ts'
import type { OwnPresence } from './presence.ts'

export type Stopped = { code: number; restart: boolean }

/** Running work may finish for this long when a node drains to stop; then it is given back to the mesh. */
const DRAIN_MS = 30_000
const GIVE_BACK_MS = 5_000
/** Kinds of tasks for whose end nobody waits. */
const STAYING: ReadonlySet<string | undefined> = new Set(['terminal', 'service'])
/** Who leaves hands its work over: only what is about to end may end here. */
const LEAVE_DRAIN_MS = 2_000
const HAND_OVER_MS = 15_000
const NEWS_MS = 300
const LOOP_LOOK_MS = 1_000

type Connected = {
  engine: Engine
  presence: OwnPresence
  work: Pick<ShellWork, 'idle'>
  runner: Pick<Runner, 'close'>
  trust: TrustSet
  host: MeshHost
  fleet: Pick<Fleet, 'nameOf'>
  self: PeerId
  members: MemberFacts
}

export function createLifecycle({ clock, log }: { clock: Clock; log: Log }) {
  const steps: { name: string; stop: () => unknown }[] = []
  const stopped = Promise.withResolvers<Stopped>()
  let parts: Connected | undefined
  let origin = ''
  let stopping: 'no' | 'draining' | 'now' = 'no'
  let hurry = Promise.withResolvers<void>()
  // An open server keeps the process alive; so must a stop that is under way.
  const holding = (): Cancel => {
    const timer = new MessageChannel()
    timer.port1.on('message', () => {})
    return () => timer.port1.close()
  }

  const unwind = async (): Promise<void> => {
    for (const step of steps.splice(0).reverse()) {
      try {
        await step.stop()
      } catch (error) {
        log.warn({ step: step.name, reason: messageOf(error) }, 'a part did not stop cleanly')
      }
    }
  }
  const connected = (): Connected => {
    if (parts === undefined)
      throw new NimbusError('starting', 'This node is still starting.', { kind: 'busy', cure: 'Try again in a moment.' })
    return parts
  }
  const runsEnded = async ({ engine }: Connected): Promise<void> => {
    // A terminal would keep the node for as long as somebody uses it; it goes on without. A service does not end by itself: it goes on until
    // all else has ended, then others take it over.
    const isWork = (task: TaskId): boolean => !STAYING.has(engine.fold.task(task)?.task?.spec.kind)
    while (engine.execution.runs().some(({ task }) => isWork(task))) await sleep(clock, 50)
  }
  /** Finishes the work, or after a while gives it back, and ends the term: others may take what is left at once. */
  const handWorkOver = async (node: Connected, drainMs: number): Promise<void> => {
    await Promise.race([runsEnded(node), sleep(clock, drainMs), hurry.promise])
    await Promise.race([node.engine.execution.giveBack(), sleep(clock, GIVE_BACK_MS)])
    await node.runner.close({ drainMs: 0 })
    await Promise.race([node.work.idle(), sleep(clock, GIVE_BACK_MS)])
    node.engine.endOwnTerms()
    await sleep(clock, NEWS_MS / 3)
  }
  const stop = async (how: Stopped, drainMs: number): Promise<void> => {
    if (stopping === 'no') stopping = 'draining'
    const release = holding()
    if (parts !== undefined) {
      parts.presence.setState('draining')
      await handWorkOver(parts, drainMs).catch((error: unknown) => log.error({ reason: messageOf(error) }, 'work could not be handed over'))
    }
    await unwind()
    release()
    stopped.resolve(how)
  }
  const begin = (how: Stopped, drainMs: number): void => {
    if (stopping !== 'no') return
    stopping = 'draining'
    void stop(how, drainMs)
  }
  const leave = async (): Promise<void> => {
    const node = connected()
    const { engine, presence, trust, host, self, members } = node
    presence.setState('leaving')
    await handWorkOver(node, LEAVE_DRAIN_MS)
    const others = members.current().filter((member) => member.peerId !== self && member.left !== true && member.removed !== true)
    const mustHandOver = others.some((member) => host.peers().includes(member.peerId))
    for (const start = clock.nowMs(); mustHandOver && engine.seats.config().seats.includes(self); await sleep(clock, 100)) {
      if (clock.nowMs() - start > HAND_OVER_MS) {
        presence.setState('active')
        throw new NimbusError(
          'seat-not-handed-over',
          'This node is a keeper and no majority took its seat over in time; it has not left.',
          { kind: 'unreachable', cure: 'Bring the other keepers back, then leave again.' },
        )
      }
    }
    await trust.leave(cutOf(engine, self))
    await sleep(clock, NEWS_MS)
    begin({ code: 0, restart: false }, 0)
  }

  return {
    stopped: stopped.promise,
    /** Runs at stop, last registered first. */
    onStop(name: string, stopStep: () => unknown) {
      steps.push({ name, stop: stopStep })
    },
    connect(node: Connected) {
      parts = node
    },
    setHttpOrigin(value: string) {
      origin = value
    },
    httpOrigin: () => origin,
    /** A start that failed: stops what was started. */
    abandon: unwind,
    /** Nothing may be answered any more: the process stops at once. */
    fail(message: string, error: unknown) {
      log.error({ reason: messageOf(error) }, message)
      if (stopping === 'now') return
      stopping = 'now'
      hurry.resolve()
      void stop({ code: 1, restart: false }, 0)
    },
    /** SIGTERM: the first drains, the second hurries. */
    interrupt() {
      if (stopping === 'no') return begin({ code: 0, restart: false }, DRAIN_MS)
      hurry.resolve()
      hurry = Promise.withResolvers()
      hurry.resolve()
    },
    shutdown: (drain: boolean, drainMs = DRAIN_MS) => begin({ code: 0, restart: false }, drain ? drainMs : 0),
    leave,
    command(verb: WorkerVerb): Promise<void> {
      const { presence } = connected()
      if (verb === 'drain') presence.setState('draining')
      else if (verb === 'resume') presence.setState('active')
      else begin({ code: 0, restart: verb === 'restart' }, DRAIN_MS)
      connected().engine.scheduler.wake()
      return Promise.resolve()
    },
    async removeMember(peer: PeerId) {
      const { trust, engine, self, fleet } = connected()
      if (peer === self)
        throw new NimbusError('remove-self', 'A worker cannot remove itself.', {
          kind: 'usage',
          cure: 'To leave the mesh, use nimbus leave.',
        })
      assertAdmin(trust, self, fleet.nameOf(self), 'remove members')
      await trust.remove(peer, cutOf(engine, peer))
    },
    invite:
      (invites: Invites): NodePort['invite'] =>
      ({ role, uses, expires }: InviteRequest) => {
        const { trust, host, self, fleet } = connected()
        assertAdmin(trust, self, fleet.nameOf(self), 'invite')
        return invites.issue({
          role,
          uses,
          expiresMs: typeof expires === 'number' ? expires : (parseDuration(expires) ?? 0),
          addresses: host.addresses(),
        })
      },
    /** Tells the longest delay of the event loop, once a second. */
    watchLoop(note: (ms: number) => void) {
      const monitor = monitorEventLoopDelay({ resolution: 20 })
      monitor.enable()
      let timer: Cancel = () => {}
      const look = (): void => {
        note(Math.max(0, monitor.max / 1e6 - 20))
        monitor.reset()
        timer = clock.after(LOOP_LOOK_MS, look)
      }
      look()
      steps.push({ name: 'loop watch', stop: () => (timer(), monitor.disable()) })
    },
  }
}

function cutOf(engine: Engine, peer: PeerId): [number, number][] {
  return engine.heads().flatMap(([author, epoch, seq]): [number, number][] => (author === peer ? [[epoch, seq]] : []))
}

/** @throws NimbusError `not-an-admin`, with the names of those who are */
export function assertAdmin(trust: TrustSet, self: PeerId, name: string, deed: string): void {
  if (trust.roleOf(self) === 'admin') return
  const admins = trust.members().filter((member) => member.role === 'admin' && member.left !== true && member.removed !== true)
  throw new NimbusError(
    'not-an-admin',
    `${name} may not ${deed}: it is a ${trust.roleOf(self) ?? 'stranger'} of this mesh, not an admin.`,
    {
      kind: 'refused',
      cure: `Do it on an admin (${admins.map((member) => member.name).join(', ')}), or let one invite this machine with --role admin.`,
    },
  )
}
