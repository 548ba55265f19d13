// One service: where it answers, its revisions, what was not taken and why; restart, go back, stop.
import { useEffect, useState } from 'preact/hooks'
import type { ServiceView } from '../../../../protocols/http/services.ts'
import { joinCommand } from '../../models/text/command-words.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Facts, PageHead } from '../../parts/facts.tsx'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { Callout, EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { ServiceMark } from './service-mark.tsx'

export function ServicePage(props: { name: string }) {
  const { services } = usePage().dashboard
  useEffect(() => void services.load(), [])
  const items = services.items.value
  const error = services.error.value
  const service = items?.find(({ name }) => name === props.name)
  if (service !== undefined) return <ServiceDetail service={service} />
  if (error !== undefined) return <ProblemNote error={error} what="The service could not be loaded." />
  if (items === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return <EmptyState title={`No service is called ${props.name}.`} command="nimbus service ls" />
}

function ServiceDetail(props: { service: ServiceView }) {
  const { service } = props
  const { failed } = service
  return (
    <>
      <PageHead
        crumb={{ href: '/services', text: 'Services' }}
        title={service.name}
        lead={
          <>
            <ServiceMark service={service} />
            {service.worker !== undefined && (
              <span>
                on <a href={`/workers/${service.worker}`}>{service.workerName}</a>
              </span>
            )}
            <span class="muted">
              changed by {service.authorName} <Age time={service.changedAt} suffix />
            </span>
          </>
        }
      >
        <ServiceActions service={service} />
      </PageHead>
      {service.reason !== undefined && <Callout tone="warn" title={sentence(inertText(service.reason))} />}
      {failed !== undefined && (
        <Callout tone="bad" title={`Revision ${failed.revision} was not taken; the one before it stayed.`}>
          <p>{sentence(inertText(failed.reason))}</p>
        </Callout>
      )}
      <div class="detail">
        <section aria-labelledby="revisions">
          <h2 id="revisions">Revisions</h2>
          <Revisions service={service} />
        </section>
        <section class="card side" aria-label="What it is">
          <Facts
            of={[
              ['Address', service.address && <span class="mono break">{service.address}</span>],
              [
                'Command',
                service.spec.argv.length > 0 ? <span class="mono break">{commandText(service.spec.argv)}</span> : 'as its nimbus.yaml says',
              ],
              ['Wanted', service.desired],
              ['Restarts', <span class="number">{service.restarts}</span>],
              ['Up since', service.since !== undefined && <Age time={service.since} suffix />],
              ['Gone back to', service.rollbackOf !== undefined && `revision ${service.rollbackOf}`],
              ['Output', <a href={`/tasks/${service.task}`}>of its task</a>],
            ]}
          />
        </section>
      </div>
    </>
  )
}

function Revisions(props: { service: ServiceView }) {
  const { service } = props
  return (
    <ul class="rows">
      {service.revisions.map((one) => (
        <li key={one.revision}>
          <div class="row-main">
            <strong>
              Revision {one.revision}
              {one.revision === service.live && <span class="badge">live</span>}
            </strong>
            <span class="row-text mono break">{commandText(one.argv)}</span>
            {one.repo !== undefined && <span class="row-text break">{inertText([one.repo, one.ref].filter(Boolean).join(' at '))}</span>}
          </div>
          {one.revision !== service.live && <GoBack service={service} revision={one.revision} />}
        </li>
      ))}
    </ul>
  )
}

function GoBack(props: { service: ServiceView; revision: number }) {
  const { dashboard } = usePage()
  const { service, revision } = props
  return (
    <Asked
      name={`Go back to revision ${revision}`}
      question={{
        title: `Go back to revision ${revision}?`,
        text: <p>It takes over once it is healthy; what runs now stays until then.</p>,
        verb: 'Go back',
        act: async () => void (await dashboard.transport.work.rollback(service.name, revision)),
      }}
    >
      Go back
    </Asked>
  )
}

function ServiceActions(props: { service: ServiceView }) {
  const { dashboard } = usePage()
  const { name, desired } = props.service
  return (
    <>
      <CopyButton class="labelled" text={`nimbus service show ${name}`} what="as a command">
        Copy as command
      </CopyButton>
      <Asked
        question={{
          title: `Start ${name} anew?`,
          text: <p>The new process takes over once it is healthy.</p>,
          verb: 'Restart service',
          act: async () => void (await dashboard.transport.work.service(name, 'restart')),
        }}
      >
        Restart
      </Asked>
      {desired === 'running' && (
        <Asked
          harms
          question={{
            title: `Stop ${name}?`,
            text: <p>It finishes what it answers, and is not started again.</p>,
            verb: 'Stop service',
            harms: true,
            act: async () => void (await dashboard.transport.work.service(name, 'stop')),
          }}
        >
          Stop
        </Asked>
      )}
    </>
  )
}

/** A button that asks first; after the answer the list is fetched again. */
function Asked(props: { question: Question; children: string; name?: string; harms?: boolean }) {
  const { dashboard, notices } = usePage()
  const [open, setOpen] = useState(false)
  const { question } = props
  async function act() {
    await question.act()
    notices.done(`${question.verb}: asked for`)
    await dashboard.services.load()
  }
  return (
    <>
      <button type="button" class={props.harms ? 'harms' : ''} aria-label={props.name ?? props.children} onClick={() => setOpen(true)}>
        {props.children}
      </button>
      {open && <Confirm question={{ ...question, act }} onClose={() => setOpen(false)} />}
    </>
  )
}

function commandText(argv: readonly string[]): string {
  return inertText(joinCommand(argv).replaceAll('\n', ' '))
}
