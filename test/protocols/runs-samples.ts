// Messages about many tasks at once, beside those of samples.ts.
import type { Ballot, LinkMessage } from '../../protocols/streams.ts'
import type { RegisterValue } from '../../protocols/records.ts'
import { bob, registerValues, TASK } from './samples.ts'

const ballot: Ballot = [3, bob.peerId]
const value = registerValues['held'] as RegisterValue
const settled = registerValues['settled'] as RegisterValue
export const runsMessages: LinkMessage[] = [
  { t: 'prepare-runs', id: 1, version: 2, groups: [{ tasks: [[TASK, 1]], ballot }] },
  { t: 'accept-runs', id: 2, version: 2, groups: [{ tasks: [[TASK, 1]], ballot, value }] },
  { t: 'answers-runs', id: 2, groups: [{ tasks: [[TASK, 1]], ok: false, settled }, { ok: true }] },
]
