// The state of a service as shape, colour and word; one that runs and does not answer says so.
import type { ServiceView } from '../../../../protocols/http/services.ts'
import { type ShownState, StateMark } from '../../parts/state-mark.tsx'

const SHAPES: Record<ServiceView['state'], ShownState> = {
  pending: 'scheduled',
  preparing: 'running',
  starting: 'running',
  running: 'alive',
  updating: 'running',
  waiting: 'suspect',
  'crash-loop': 'failed',
  draining: 'draining',
  stopping: 'leaving',
  stopped: 'left',
  ended: 'cancelled',
}

export function ServiceMark(props: { service: Pick<ServiceView, 'state' | 'healthy'> }) {
  const { state, healthy } = props.service
  if (state === 'running' && !healthy) return <StateMark state="suspect" label="running, does not answer" />
  return <StateMark state={SHAPES[state]} label={state} />
}
