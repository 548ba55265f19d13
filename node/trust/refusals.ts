// Why somebody is not let in, in words: each code its own message and its own cure.
import type { RefusalCode } from '../../protocols/trust.ts'
import { REFUSALS } from '../../protocols/trust.ts'
import { NimbusError } from '../kernel/errors.ts'

const WORDS: Record<RefusalCode, { message: string; cure: string }> = {
  'invite-unknown': {
    message: 'The node that should redeem this invite does not know it.',
    cure: 'Ask for a new invite; this one was made elsewhere or ran out long ago.',
  },
  'invite-used': {
    message: 'This invite was already used as often as it allows.',
    cure: 'Ask for a new invite, or for one with more uses.',
  },
  'invite-expired': { message: 'This invite has expired.', cure: 'Ask for a new invite, or for one with a longer life (`--expires`).' },
  'invite-proof': {
    message: 'The joining node could not prove that it holds this invite.',
    cure: 'Copy the whole invite again, from its first to its last character.',
  },
  'wrong-mesh': {
    message: 'That node belongs to another mesh.',
    cure: 'Check the address, or ask for an invite of the mesh that you mean.',
  },
  'not-a-member': { message: 'This node has no certificate of that mesh.', cure: 'Join it with an invite: `nimbus join INVITE`.' },
  removed: {
    message: 'This node was removed from the mesh, or left it, and cannot come back under its old key.',
    cure: 'Start with a fresh data folder and a new invite.',
  },
  busy: { message: 'That node refuses further attempts from this address for now.', cure: 'Wait a minute, then try again.' },
}

export function refusalMessage(code: RefusalCode): string {
  return WORDS[code].message
}

/** The refusal as the error that the refused side's user sees. A peer chose `code`: an unknown one is shown as such. */
export function refusalError(code: string, message?: string): NimbusError {
  const known = REFUSALS.find((refusal) => refusal === code)
  if (known === undefined)
    return new NimbusError('refused', `The other node refused: ${message ?? code}`.slice(0, 300), { kind: 'refused' })
  return new NimbusError(known, WORDS[known].message, { kind: known === 'busy' ? 'busy' : 'refused', cure: WORDS[known].cure })
}
