// The keeper group as the API shows it, and its recovery by an admin: refused while it could do harm that is not needed, and
// until the admin has read what it may break.
import type { GroupView, RecoverRequest, SeatView } from '../../../protocols/http/groups.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { GroupsPort } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import type { Log } from '../../kernel/log.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

export type GroupsPortComponents = {
  self: PeerId
  clock: Clock
  log: Log
  engine: Pick<Engine, 'fold' | 'seats' | 'recoverGroup' | 'durable'>
  fleet: Pick<Fleet, 'view' | 'find' | 'nameOf'>
  assertAdmin(deed: string): void
}

/** There is one group so far. */
const GROUP = 'default'
/** Who holds the operator's token of a worker has no name of his own. */
const OPERATOR = 'operator'
/** The new seats read each other before they vote; the answer waits for that so long. */
const SEATED_MS = 8_000
const LOOK_MS = 50
const DURABLE_MS = 1_500

export function createGroupsPort(components: GroupsPortComponents): GroupsPort {
  const { self, clock, log, engine, fleet } = components
  const view = (): GroupView => groupView(components)

  const recover = async (name: string, { seats: wanted, yes, reason }: RecoverRequest): Promise<GroupView> => {
    components.assertAdmin(`recover group ${name}`)
    const before = view()
    assertNoMajority(before)
    const seats = wanted === undefined ? seatsHere(before, self) : [...new Set(wanted.map((worker) => ableSeat(fleet, worker)))]
    const lost = before.seats.filter(({ peerId }) => !seats.includes(peerId as PeerId)).map((seat) => seat.name)
    const names = seats.map(fleet.nameOf)
    if (!yes) throw unconfirmed(name, names, lost)
    const seq = engine.recoverGroup({ seats, by: OPERATOR, ...(reason === undefined ? {} : { reason }) })
    log.warn(
      { group: name, by: OPERATOR, at: fleet.nameOf(self), seats: names, lost, reason },
      'a keeper group goes on without its majority',
    )
    await engine.durable(seq, DURABLE_MS)
    const isSeated = (): boolean => {
      const config = engine.seats.config()
      return config.version > before.version && (!config.seats.includes(self) || engine.seats.votes(config.version))
    }
    for (const start = clock.nowMs(); !isSeated() && clock.nowMs() - start < SEATED_MS; ) await sleep(clock, LOOK_MS)
    return view()
  }

  return { list: () => [view()], find: (name) => (name === GROUP ? view() : undefined), recover }
}

function groupView({ clock, engine, fleet }: GroupsPortComponents): GroupView {
  const { version, seats } = engine.seats.config()
  const seatViews = seats.map((peer): SeatView => {
    const { state = 'left', lastSeenMs = -1 } = fleet.view(peer) ?? {}
    const away = state !== 'alive' && lastSeenMs >= 0
    return { peerId: peer, name: fleet.nameOf(peer), state, awaySince: away ? Math.round(clock.wallMs() - lastSeenMs) : null }
  })
  return {
    name: GROUP,
    version,
    seats: seatViews,
    reachable: seatViews.filter(({ state }) => state === 'alive').length,
    majority: Math.floor(seats.length / 2) + 1,
    recoveries: engine.fold.recoveries().map((one) => ({
      version: one.version,
      at: hlcToMs(one.hlc),
      by: one.by,
      worker: one.author,
      workerName: fleet.nameOf(one.author),
      seats: one.seats.map(fleet.nameOf),
      lost: one.lost.map(fleet.nameOf),
      ...(one.reason === undefined ? {} : { reason: one.reason }),
    })),
  }
}

/** A keeper that was heard a moment ago may be back in the next: only the dead are given up. */
function assertNoMajority({ name, seats, majority }: GroupView): void {
  const here = seats.filter(({ state }) => state === 'alive' || state === 'suspect')
  if (here.length < majority) return
  throw new NimbusError(
    'group-has-majority',
    `Group ${name} is not recovered: ${here.length} of its ${seats.length} keepers (${here.map((seat) => seat.name).join(', ')}) are here or were a moment ago, and ${majority} are enough.`,
    {
      kind: 'refused',
      cure: `It goes on by itself, and another worker takes the place of a keeper that stays away. nimbus group show ${name} tells who is here.`,
    },
  )
}

/** The keepers that are left know the most; where none is, the admin's own worker goes on with what the logs tell. */
function seatsHere({ seats }: GroupView, self: PeerId): PeerId[] {
  const here = seats.flatMap(({ peerId, state }) => (state === 'alive' ? [peerId as PeerId] : []))
  return here.length === 0 ? [self] : here
}

function ableSeat(fleet: GroupsPortComponents['fleet'], nameOrId: string): PeerId {
  const peer = fleet.find(nameOrId)
  const worker = peer === undefined ? undefined : fleet.view(peer)
  if (peer === undefined || worker === undefined)
    throw new NimbusError('worker-unknown', `There is no worker ${JSON.stringify(nameOrId)} that could be a keeper.`, {
      kind: 'missing',
      cure: 'nimbus worker ls lists them.',
    })
  const flaw = worker.state !== 'alive' ? `it is ${worker.state}` : worker.memberRole === 'viewer' ? 'it is a viewer' : undefined
  if (flaw === undefined) return peer
  throw new NimbusError('seat-not-able', `Worker ${worker.name} cannot be a keeper: ${flaw}.`, {
    kind: 'refused',
    cure: 'Name workers that are alive and no viewers; without --seats the keepers that are here go on.',
  })
}

function unconfirmed(name: string, seats: readonly string[], lost: readonly string[]): NimbusError {
  return new NimbusError(
    'recovery-unconfirmed',
    `Recovering group ${name} gives up ${lost.join(', ')} and goes on with ${seats.join(', ')}. What only the lost keepers knew may be forgotten or run again: an acknowledged claim, a result, a publication. If they still run somewhere, a task may run twice and have two results.`,
    {
      kind: 'refused',
      cure: `If one of them can come back, start it instead: nothing is lost then, and what waits goes on. If they are gone for good: nimbus group recover ${name} --yes (REST: "yes": true).`,
    },
  )
}
