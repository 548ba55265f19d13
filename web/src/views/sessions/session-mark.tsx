// The state of a session as shape, colour and word.
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { type ShownState, StateMark } from '../../parts/state-mark.tsx'

const SHAPES: Record<SessionView['state'], ShownState> = {
  starting: 'scheduled',
  working: 'running',
  waiting: 'suspect',
  idle: 'ready',
  done: 'succeeded',
  failed: 'failed',
  interrupted: 'cancelled',
}

export function SessionMark(props: { session: Pick<SessionView, 'state' | 'asks'> }) {
  const { state, asks } = props.session
  return <StateMark state={SHAPES[state]} label={asks.length > 0 ? 'waits for you' : state} />
}
