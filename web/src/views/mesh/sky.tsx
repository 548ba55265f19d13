// The members around this node, by round trip on a logarithmic scale. A picture; the table below says the same.
import type { Worker } from '../../models/fleet.ts'
import { workerState } from '../../parts/state-mark.tsx'

const SIZE = 320
const MIDDLE = SIZE / 2
const INNER = 46
const OUTER = 126
/** The rings: what is nearer than the first lies inside it. */
const RINGS_MS = [1, 10, 100] as const
const NEAR_MS = 0.2
const FAR_MS = 300
/** More points than this cover each other. */
const SHOWN = 60
/** Turns each next point by the golden angle, so that neighbours spread however many there are. */
const TURN = 2.399963

export function Sky(props: { workers: readonly Worker[] }) {
  const others = props.workers.filter((worker) => !worker.self)
  const self = props.workers.find((worker) => worker.self)
  const shown = others.slice(0, SHOWN)
  const named = shown.length <= 14
  return (
    <figure class="sky">
      <svg
        viewBox={`0 0 ${SIZE} ${SIZE}`}
        role="group"
        aria-label={`${others.length} other members around ${self?.name ?? 'this node'}; the table below has their round trips.`}
      >
        {RINGS_MS.map((ms) => (
          <g key={ms}>
            <circle class="ring" cx={MIDDLE} cy={MIDDLE} r={radius(ms)} />
            <text class="ring-text" x={MIDDLE} y={MIDDLE - radius(ms) - 3}>
              {ms} ms
            </text>
          </g>
        ))}
        {shown.map((worker, at) => {
          const angle = -0.9 + at * (shown.length < 8 ? (2 * Math.PI) / shown.length : TURN)
          const away = worker.roundTripMs === null || worker.state === 'dead'
          const distance = radius(away ? FAR_MS : (worker.roundTripMs as number))
          const x = MIDDLE + Math.cos(angle) * distance
          const y = MIDDLE + Math.sin(angle) * distance
          return (
            <a key={worker.peerId} href={`/workers/${worker.peerId}`} aria-label={worker.name}>
              <line class={away ? 'link away' : 'link'} x1={MIDDLE} y1={MIDDLE} x2={x} y2={y} />
              <circle
                class={`star state-${workerState(worker)} ${worker.keeper ? 'keeper' : ''}`}
                cx={x}
                cy={y}
                r={worker.keeper ? 7 : 5.5}
              />
              {named && (
                <text x={x} y={y + (y < MIDDLE ? -11 : 19)}>
                  {worker.name}
                </text>
              )}
            </a>
          )
        })}
        <circle class="star self" cx={MIDDLE} cy={MIDDLE} r="9" />
        <text class="self-text" x={MIDDLE} y={MIDDLE + 24}>
          {self?.name}
        </text>
      </svg>
      {others.length > SHOWN && <figcaption class="muted">{others.length - SHOWN} more are in the table.</figcaption>}
    </figure>
  )
}

function radius(ms: number): number {
  const clamped = Math.min(FAR_MS, Math.max(NEAR_MS, ms))
  return INNER + (OUTER - INNER) * (Math.log(clamped / NEAR_MS) / Math.log(FAR_MS / NEAR_MS)) * 1.12
}
