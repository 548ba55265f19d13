// A state as shape and colour with its word: readable without colour, by screen readers, and at a glance.
import type { ComponentChildren } from 'preact'
import type { TaskStateName, WorkerView } from '../../../protocols/http/views.ts'

export type ShownState = TaskStateName | WorkerView['state'] | 'draining' | 'leaving' | 'lost'

const RING = <circle cx="6" cy="6" r="4.6" class="stroke" />
const SHAPES: Record<ShownState, ComponentChildren> = {
  ready: RING,
  scheduled: [RING, <path d="M6 3.6V6l1.7 1.2" class="stroke" />],
  blocked: [<rect x="1.6" y="1.6" width="8.8" height="8.8" rx="1.6" class="stroke" />, <path d="M4 6h4" class="stroke" />],
  running: [
    <circle cx="6" cy="6" r="4.6" class="stroke faint" />,
    <path d="M6 1.4A4.6 4.6 0 0 1 10.6 6" class="stroke turning" />,
    <circle cx="6" cy="6" r="1.8" class="solid" />,
  ],
  succeeded: [<circle cx="6" cy="6" r="5.4" class="solid" />, <path d="M3.5 6.2l1.8 1.8 3.3-3.8" class="cut" />],
  failed: [<path d="M6 .4 11.6 6 6 11.6.4 6z" class="solid" />, <path d="M4.3 4.3l3.4 3.4M7.7 4.3 4.3 7.7" class="cut" />],
  dead: [<rect x=".8" y=".8" width="10.4" height="10.4" rx="2" class="solid" />, <path d="M3.8 3.8l4.4 4.4M8.2 3.8 3.8 8.2" class="cut" />],
  cancelled: [RING, <path d="M2.8 9.2l6.4-6.4" class="stroke" />],
  alive: <circle cx="6" cy="6" r="5" class="solid" />,
  suspect: [<path d="M6 1 11.4 10.6H.6z" class="solid" />, <path d="M6 4.4v3M6 9v.1" class="cut" />],
  left: <path d="M1.5 6h9" class="stroke" />,
  draining: [RING, <path d="M1.4 6a4.6 4.6 0 0 0 9.2 0z" class="solid" />],
  leaving: [RING, <path d="M4 6h4.5M6.8 4.2 8.6 6 6.8 7.8" class="stroke" />],
  lost: [RING, <path d="M6 3.4v3M6 8.4v.1" class="stroke" />],
}

const WORDS: Partial<Record<ShownState, string>> = { alive: 'online', dead: 'dead', suspect: 'not answering' }

export function StateMark(props: { state: ShownState; label?: string | undefined; bare?: boolean }) {
  const word = props.label ?? WORDS[props.state] ?? props.state
  return (
    <span class={`state state-${props.state}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" {...(props.bare ? { role: 'img', 'aria-label': word } : { 'aria-hidden': 'true' })}>
        {SHAPES[props.state]}
      </svg>
      {props.bare ? null : <span>{word}</span>}
    </span>
  )
}

/** What a worker is in one word: offline wins over draining. */
export function workerState(worker: Pick<WorkerView, 'state' | 'mode'>): ShownState {
  if (worker.state !== 'alive') return worker.state
  return worker.mode === 'active' ? 'alive' : worker.mode
}

export function WorkerMark(props: { worker: Pick<WorkerView, 'state' | 'mode'>; bare?: boolean }) {
  const state = workerState(props.worker)
  return <StateMark state={state} label={state === 'dead' ? 'offline' : undefined} bare={props.bare ?? false} />
}
