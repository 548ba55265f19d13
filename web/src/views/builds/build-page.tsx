// One build: how it stands and why, how it was planned, what ran and was recovered, what it left and who vouches for it.
import { useEffect, useState } from 'preact/hooks'
import type { BuildDetail } from '../../../../protocols/builds/build-views.ts'
import { buildTitle, repoTitle, shortCommit } from '../../models/code/build-facts.ts'
import { hasEnded } from '../../models/task-facts.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { ShortId } from '../../parts/copy.tsx'
import { Chips, Facts, PageHead } from '../../parts/facts.tsx'
import { Progress } from '../../parts/meters.tsx'
import { Callout, EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { BuildActions } from './build-actions.tsx'
import { BuildFiles } from './build-files.tsx'
import { BuildSteps } from './build-steps.tsx'

export function BuildPage(props: { id: string }) {
  const { dashboard } = usePage()
  const [build, setBuild] = useState<BuildDetail>()
  const [error, setError] = useState<ApiError>()
  const live = dashboard.stream.value.kind === 'live'
  const changes = dashboard.builds.changes.value
  useEffect(() => {
    let left = false
    dashboard.transport.code.build(props.id).then(
      (found) => {
        if (left) return
        setBuild(found)
        setError(undefined)
      },
      (thrown: unknown) => !left && setError(asApiError(thrown)),
    )
    return () => {
      left = true
    }
  }, [props.id, live, changes])
  if (build !== undefined) return <Detail build={build} />
  if (error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return error.status === 404 ? (
    <EmptyState title={`No build has the ID ${props.id}.`} command="nimbus build ls" />
  ) : (
    <ProblemNote error={error} what="The build could not be loaded." />
  )
}

function Detail(props: { build: BuildDetail }) {
  const { build } = props
  return (
    <>
      <PageHead
        crumb={{ href: '/builds', text: 'Builds' }}
        title={buildTitle(build)}
        lead={
          <>
            <StateMark state={build.state} />
            {build.worker !== null && (
              <span>
                on <a href={`/workers/${encodeURIComponent(build.worker)}`}>{build.worker}</a>
              </span>
            )}
            {build.flaky && <span class="badge">flaky: it passed after it had failed without a change</span>}
            <span class="muted">
              published <Age time={build.createdAt} suffix />
            </span>
          </>
        }
      >
        <BuildActions id={build.id} />
      </PageHead>
      <Standing build={build} />
      <div class="detail">
        <div class="stack">
          <Plan build={build} />
          <BuildSteps build={build} />
          <Moves build={build} />
          <BuildFiles build={build} />
        </div>
        <Side build={build} />
      </div>
    </>
  )
}

/** What it does now, why it waits, or why it failed, with what to do about it. */
function Standing(props: { build: BuildDetail }) {
  const { build } = props
  if (build.waiting !== null && !hasEnded(build.state))
    return (
      <Callout tone="warn" title={sentence(build.waiting.message)}>
        <p class="cure">{sentence(build.waiting.cure)}</p>
      </Callout>
    )
  if (build.state === 'running')
    return (
      <Progress percent={build.percent ?? undefined} label={inertText([build.phase ?? 'running', build.step].filter(Boolean).join(': '))} />
    )
  const why = build.reason ?? build.failure
  if (why === null || build.state === 'succeeded') return null
  return (
    <Callout tone="bad" title={sentence(why)}>
      {build.lastGood !== null && (
        <p>
          The newest one that succeeded: <a href={`/builds/${build.lastGood.task}`}>{shortCommit(build.lastGood.commit)}</a>
        </p>
      )}
    </Callout>
  )
}

function Plan(props: { build: BuildDetail }) {
  const { reasons, notes = [] } = props.build
  if (reasons.length + notes.length === 0) return null
  return (
    <section aria-labelledby="plan">
      <h2 id="plan">Plan, and why</h2>
      <ul class="rows reasons">
        {reasons.map((reason) => (
          <li key={reason}>{inertText(reason)}</li>
        ))}
        {notes.map((note) => (
          <li key={note} class="muted">
            {inertText(note)}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Workers that it left because they lacked something. */
function Moves(props: { build: BuildDetail }) {
  const { moves } = props.build
  if (moves.length === 0) return null
  return (
    <section aria-labelledby="moves">
      <h2 id="moves">Moved on</h2>
      <ul class="rows">
        {moves.map((move, at) => (
          <li key={at}>
            <div class="row-main">
              <a href={`/workers/${encodeURIComponent(move.worker)}`}>from {move.worker}</a>
              <span class="row-text">{inertText(move.reason)}</span>
            </div>
            <Chips
              of={move.needs.map(({ name, version }) => inertText(version === undefined ? name : `${name} ${version}`))}
              kind="tool that it lacks"
            />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Side(props: { build: BuildDetail }) {
  const { build } = props
  const { cache } = build
  const tools = Object.entries(build.tools).map(([name, version]) => inertText(`${name} ${version}`.trim()))
  return (
    <section class="card side" aria-label="What it is">
      <Facts
        of={[
          ['ID', <ShortId id={build.id} what="the build ID" />],
          ['Repository', build.repo && <RepoLink address={build.repo} />],
          ['Ref', build.ref && inertText(build.ref)],
          ['Commit', build.commit && <ShortId id={inertText(build.commit)} what="the commit" />],
          ['Tools', tools.length > 0 && <Chips of={tools} kind="tool" />],
          ['Downloads', cache && `${cache.files} packages, ${bytesText(cache.size)}, ${cache.hit ? 'from the mesh' : 'fetched anew'}`],
          ['Task', <a href={`/tasks/${build.id}`}>its attempts</a>],
          ['Output', <a href={`/logs/${build.id}`}>its log</a>],
        ]}
      />
    </section>
  )
}

/** A repository of the mesh has a page of its own. */
function RepoLink(props: { address: string }) {
  const text = inertText(props.address)
  if (!text.startsWith('nimbus://mesh/')) return <span class="break">{text}</span>
  return (
    <a class="break" href={`/repos/mesh/${encodeURIComponent(repoTitle(text))}`}>
      {text}
    </a>
  )
}
