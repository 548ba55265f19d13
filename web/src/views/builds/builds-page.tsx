// Builds in rows by one filter, which lives in the address and is applied by the node.
import { useEffect } from 'preact/hooks'
import type { BuildView } from '../../../../protocols/builds/build-views.ts'
import type { TaskStateName } from '../../../../protocols/http/views.ts'
import { buildTitle, shortCommit } from '../../models/code/build-facts.ts'
import { TASK_STATES } from '../../models/task-facts.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { PageHead } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Progress } from '../../parts/meters.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { useTypedAddress } from '../../parts/field.tsx'

export function BuildsPage() {
  const { dashboard, router } = usePage()
  const { builds } = dashboard
  const { query } = router.place.value
  const state = TASK_STATES.find((name) => name === query.get('state'))
  const text = query.get('q') ?? ''
  useEffect(() => {
    builds.filter.value = { state, text }
    void builds.load()
  }, [state, text])
  const items = builds.items.value
  const error = builds.error.value
  const filtered = state !== undefined || text !== ''
  return (
    <>
      <PageHead title="Builds" lead={items && `${items.length}${builds.hasMore.value ? ' newest' : ''}${filtered ? ' match' : ''}`} />
      <Filter state={state} text={text} />
      {error !== undefined && <ProblemNote error={error} what="The builds could not be listed." />}
      {items === undefined && error === undefined && <div class="loading" role="status" aria-label="Loading" />}
      {items?.length === 0 &&
        (filtered ? (
          <EmptyState title="No build matches.">
            <p>
              <a href="/builds">Show all builds</a>
            </p>
          </EmptyState>
        ) : (
          <EmptyState
            title="Nothing has been built yet. A repository is built in a sandbox, and its files are signed:"
            command="nimbus task run --kind build --repo https://example.org/app.git"
          />
        ))}
      {items !== undefined && items.length > 0 && <BuildTable builds={items} />}
      {builds.hasMore.value && (
        <p class="more">
          <button type="button" onClick={() => void builds.loadMore()}>
            Show older builds
          </button>
        </p>
      )}
    </>
  )
}

function BuildTable(props: { builds: readonly BuildView[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Build</th>
          <th>Worker</th>
          <th>Commit</th>
          <th class="right">Files</th>
          <th class="right">Published</th>
        </tr>
      </thead>
      <tbody>
        {props.builds.map((build) => (
          <Row key={build.id} build={build} />
        ))}
      </tbody>
    </table>
  )
}

function Row(props: { build: BuildView }) {
  const { build } = props
  return (
    <tr>
      <td class="cell-state">
        <StateMark state={build.state} />
      </td>
      <td class="main">
        <a href={`/builds/${build.id}`}>{buildTitle(build)}</a>
        <RowText build={build} />
      </td>
      <td data-name="Worker" class={build.worker === null ? 'usual' : ''}>
        {build.worker === null ? '–' : <a href={`/workers/${encodeURIComponent(build.worker)}`}>{build.worker}</a>}
      </td>
      <td data-name="Commit" class={`mono ${build.commit === null ? 'usual' : ''}`}>
        {build.commit === null ? '–' : shortCommit(build.commit)}
      </td>
      <td data-name="Files" class={`right number ${build.artifacts.length === 0 ? 'usual' : ''}`}>
        {build.artifacts.length}
      </td>
      <td data-name="Published" class="right number">
        <Age time={build.createdAt} />
      </td>
    </tr>
  )
}

/** The second line: the step that it is at, why it waits, why it failed. */
function RowText(props: { build: BuildView }) {
  const { build } = props
  if (build.state === 'running' && build.phase !== null)
    return <Progress percent={build.percent ?? undefined} label={inertText([build.phase, build.step].filter(Boolean).join(': '))} />
  if (build.waiting !== null) return <span class="row-text">{sentence(build.waiting.message)}</span>
  const why = build.reason ?? build.failure
  if (why !== null)
    return (
      <span class="row-text">
        <span class="bad">{inertText(why)}</span>
      </span>
    )
  return build.flaky ? <span class="row-text">passed after it had failed without a change: flaky</span> : null
}

function Filter(props: { state: TaskStateName | undefined; text: string }) {
  const { router } = usePage()
  const [typed, setTyped] = useTypedAddress(props.text, (text) => router.go(address(props.state, text), { replace: true }))
  return (
    <div class="filter" role="search">
      <label class="search">
        <Icon name="search" />
        <span class="off-screen">Filter builds</span>
        <input
          type="search"
          placeholder="Filter by repository, name or ID"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <ul class="states" aria-label="States">
        {[undefined, ...TASK_STATES].map((state) => (
          <li key={state ?? 'all'}>
            <a href={address(state, props.text)} aria-current={props.state === state ? 'true' : undefined}>
              {state === undefined ? 'all' : <StateMark state={state} />}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

function address(state: TaskStateName | undefined, text: string): string {
  const search = new URLSearchParams()
  if (state !== undefined) search.set('state', state)
  if (text !== '') search.set('q', text)
  const query = search.toString()
  return query === '' ? '/builds' : `/builds?${query}`
}
