// Lets pages go on at another node: gives passes to members who may have them, and asks others for passes, each tried from
// here before it is handed to a page.
import type { CallAnswer, CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { PassView } from '../../../protocols/web/passes.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { MemberRole } from '../../../protocols/trust.ts'
import type { PassesPort } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { isLoopback } from '../../kernel/host-port.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

/** Two would do; one of them may die together with this node. */
const ASKED_MAX = 4
const ANSWER_MS = 2_000
const ORIGIN = /^http:\/\/(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i
const RANKS: Record<MemberRole, number> = { viewer: 0, member: 1, admin: 2 }

type Pass = { origin: string; code: string; mark: string; lifeMs: number }
export type PagePasses = PassesPort & {
  /** @throws NimbusError `no-pass` where this node gives that member none */
  give(to: PeerId): CallAnswer
}

export function createPagePasses(components: {
  self: PeerId
  clock: Clock
  fleet: Pick<Fleet, 'view' | 'nameOf'>
  roleOf(peer: PeerId): MemberRole
  /** Rules that limit what others may run here: then nobody else's page signs in here either. */
  accept: readonly string[]
  linked(): PeerId[]
  call(peer: PeerId, request: CallRequest, timeoutMs: number): AsyncIterable<Uint8Array>
  issue(): Pass
}): PagePasses {
  const { self, clock, fleet, roleOf } = components

  async function askOne(peer: PeerId): Promise<PassView | undefined> {
    try {
      for await (const frame of components.call(peer, { op: 'page-pass' }, ANSWER_MS)) {
        const answer = decodeCallAnswer(frame)
        if (answer?.t !== 'pass' || !isPlaceOf(peer, answer.origin) || !(await answersAs(answer, clock))) return undefined
        return {
          worker: peer,
          workerName: fleet.nameOf(peer),
          url: `${answer.origin}/sign-in?pass=${answer.code}`,
          lifeMs: answer.lifeMs,
        }
      }
    } catch {
      // Gone, older, or unwilling: the page goes on without a pass to it.
    }
    return undefined
  }

  /** On this machine, or an address under which the mesh knows that worker: a member sends no page to a third place. */
  function isPlaceOf(peer: PeerId, origin: string): boolean {
    const host = ORIGIN.exec(origin)?.[1]?.replace(/^\[|\]$/g, '')
    if (host === undefined) return false
    return isLoopback(host) || (fleet.view(peer)?.addresses ?? []).some((address) => address.split('/').includes(host))
  }

  return {
    give(to) {
      // An admin of the mesh never becomes one through somebody else's page.
      if (components.accept.length > 0 || RANKS[roleOf(to)] < RANKS[roleOf(self)] || RANKS[roleOf(to)] === 0)
        throw new NimbusError('no-pass', `${fleet.nameOf(self)} gives no passes to pages of ${fleet.nameOf(to)}.`, {
          kind: 'refused',
          cure: 'Sign in there: nimbus open.',
        })
      return { t: 'pass', ...components.issue() }
    },
    async ask() {
      const asked = components.linked().filter((peer) => fleet.view(peer)?.state === 'alive')
      const passes = await Promise.all(asked.slice(0, ASKED_MAX).map(askOne))
      return passes.filter((pass) => pass !== undefined)
    },
  }
}

/** Whether that very server answers there: under a loopback address each machine means another one. */
async function answersAs({ origin, mark }: Pass, clock: Clock): Promise<boolean> {
  const late = new AbortController()
  const cancel = clock.after(ANSWER_MS, () => late.abort())
  try {
    const response = await fetch(`${origin}/api/health`, { redirect: 'error', signal: late.signal })
    await response.body?.cancel()
    return response.ok && response.headers.get('x-nimbus-mark') === mark
  } catch {
    return false // nobody there, or somebody else
  } finally {
    cancel()
  }
}
