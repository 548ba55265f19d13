// When a worker was last heard: now, as long as it answers and this page is live; otherwise an age that grows.
import type { Worker } from '../../models/fleet.ts'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'

export function Seen(props: { worker: Worker }) {
  const { dashboard } = usePage()
  if (props.worker.state === 'alive' && dashboard.stream.value.kind === 'live') return <span>now</span>
  return props.worker.seenAt === undefined ? <span>never</span> : <Age time={props.worker.seenAt} />
}

/** In a sentence about a worker that is away. */
export function LastSeen(props: { worker: Worker }) {
  const { seenAt } = props.worker
  if (seenAt === undefined) return <>not heard since this node started</>
  return (
    <>
      last seen <Age time={seenAt} suffix />
    </>
  )
}
