// The state of a kept repository as shape, colour and word, and how far its clone or fetch is.
import type { RepoView } from '../../../../protocols/http/repos.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { durationText } from '../../models/text/durations.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { Progress } from '../../parts/meters.tsx'
import { StateMark } from '../../parts/state-mark.tsx'

const SHAPES = { fetching: 'running', ready: 'succeeded', failed: 'failed' } as const

export function RepoMark(props: { repo: Pick<RepoView, 'state'> }) {
  return <StateMark state={SHAPES[props.repo.state]} label={props.repo.state} />
}

export function CloneProgress(props: { repo: RepoView }) {
  const { progress, state } = props.repo
  if (state !== 'fetching') return null
  if (progress === undefined) return <Progress percent={undefined} label="waiting to fetch" />
  const { phase, loaded, total, percent, bytes, bytesPerSecond, remainingMs } = progress
  const words = [
    inertText(phase) || 'fetching',
    total === undefined ? loaded.toLocaleString('en') : `${loaded.toLocaleString('en')} of ${total.toLocaleString('en')}`,
    bytes !== undefined && bytesText(bytes),
    bytesPerSecond !== undefined && `${bytesText(bytesPerSecond)}/s`,
    remainingMs !== undefined && `${durationText(remainingMs)} left`,
  ]
  return <Progress percent={percent} label={words.filter(Boolean).join(', ')} />
}
