// Services in rows: what is kept running where, at which address, and what was not taken and why.
import { useEffect } from 'preact/hooks'
import type { ServiceView } from '../../../../protocols/http/services.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { ServiceMark } from './service-mark.tsx'

export function ServicesPage() {
  const { services } = usePage().dashboard
  useEffect(() => void services.load(), [])
  const items = services.items.value
  const error = services.error.value
  if (items === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  const running = items?.filter(({ healthy }) => healthy).length ?? 0
  return (
    <>
      <PageHead title="Services" lead={items && `${running} of ${items.length} answer`} />
      {error !== undefined && <ProblemNote error={error} what="The services could not be loaded." />}
      {items?.length === 0 && (
        <EmptyState
          title="Nothing is kept running yet. A service is started again when it ends, and brought forward without a gap:"
          command="nimbus service start web --health / -- npm start"
        />
      )}
      {items !== undefined && items.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th>State</th>
              <th>Service</th>
              <th>Worker</th>
              <th>Address</th>
              <th class="right">Revision</th>
              <th class="right">Restarts</th>
              <th class="right">Since</th>
            </tr>
          </thead>
          <tbody>
            {items.map((service) => (
              <Row key={service.name} service={service} />
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}

function Row(props: { service: ServiceView }) {
  const { service } = props
  const why = service.reason ?? (service.failed && `revision ${service.failed.revision} was not taken: ${service.failed.reason}`)
  return (
    <tr>
      <td class="cell-state">
        <ServiceMark service={service} />
      </td>
      <td class="main">
        <a href={`/services/${encodeURIComponent(service.name)}`}>{service.name}</a>
        {why && <span class="row-text">{inertText(why)}</span>}
      </td>
      <td data-name="Worker" class={service.worker === undefined ? 'usual' : ''}>
        {service.worker === undefined ? '–' : <a href={`/workers/${service.worker}`}>{service.workerName}</a>}
      </td>
      <td data-name="Address" class={`mono break ${service.address === undefined ? 'usual' : ''}`}>
        {service.address ?? '–'}
      </td>
      <td data-name="Revision" class="right number">
        {service.live === undefined || service.live === service.revision ? service.revision : `${service.live} → ${service.revision}`}
      </td>
      <td data-name="Restarts" class={`right number ${service.restarts === 0 ? 'usual' : ''}`}>
        {service.restarts}
      </td>
      <td data-name="Since" class="right number">
        {service.since === undefined ? '–' : <Age time={service.since} />}
      </td>
    </tr>
  )
}
