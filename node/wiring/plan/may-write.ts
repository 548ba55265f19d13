// What a viewer writes counts nowhere: it is told so here, instead of waiting for ever.
import type { PeerId } from '../../../protocols/ids.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

/** @throws NimbusError `may-not-write` where this node is a viewer, or no member any more */
export function createMayWrite(self: PeerId, fleet: Pick<Fleet, 'view' | 'nameOf'>): (deed: string) => void {
  return (deed) => {
    const own = fleet.view(self)
    if (own !== undefined && own.state !== 'left' && own.memberRole !== 'viewer') return
    const what = own === undefined || own.state === 'left' ? 'no member of this mesh any more' : 'a viewer of this mesh'
    throw new NimbusError('may-not-write', `${fleet.nameOf(self)} may not ${deed}: it is ${what}.`, {
      kind: 'refused',
      cure: 'Do it on a member, or invite this machine again with --role member.',
    })
  }
}
