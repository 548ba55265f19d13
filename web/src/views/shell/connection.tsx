// How live the page is, and through which node: said plainly, so that nobody decides on old data unknowingly.
import { ageText, clockText, durationText } from '../../models/text/durations.ts'
import { usePage } from '../../parts/page-context.ts'
import { ProblemNote } from '../../parts/notes.tsx'

export function Connection() {
  const { dashboard } = usePage()
  const stream = dashboard.stream.value
  const through = dashboard.fleet.mesh.value?.self.name
  const words = { live: 'Live', connecting: 'Connecting', reconnecting: 'Not live' }[stream.kind]
  return (
    <p class={`connection connection-${stream.kind}`} role="status">
      <span class="beacon" aria-hidden="true" />
      <span>
        {words}
        {through && (
          <>
            {' '}
            <span class="muted">through</span> {through}
          </>
        )}
      </span>
    </p>
  )
}

export function ConnectionBanner() {
  const { dashboard, clock, passage } = usePage()
  const stream = dashboard.stream.value
  const loadError = dashboard.loadError.value
  const name = dashboard.fleet.mesh.value?.self.name ?? 'the node'
  if (stream.kind === 'reconnecting') {
    const waitMs = stream.retryAt - clock.now.value
    return (
      <div class="banner banner-warn" role="status">
        <strong>Not live for {ageText(Math.max(2_000, clock.now.value - stream.since))}.</strong> What you see is from{' '}
        {clockText(stream.since)}; {name} does not answer.{' '}
        {passage.offered.value && (
          <button type="button" class="small" onClick={passage.offered.value.go}>
            Go on through {passage.offered.value.name}
          </button>
        )}{' '}
        {waitMs > 1_000 ? `Next try in ${durationText(Math.round(waitMs / 1_000) * 1_000)}.` : 'Trying again.'}
      </div>
    )
  }
  if (loadError !== undefined) return <ProblemNote error={loadError} what="This page could not be loaded." />
  return null
}
