// Repositories: those that the mesh hosts, those that this worker keeps, and what is being cloned for a task right now.
import { useEffect } from 'preact/hooks'
import type { HostedRepoView } from '../../../../protocols/http/hosted.ts'
import type { RepoView } from '../../../../protocols/http/repos.ts'
import { shortCommit } from '../../models/code/build-facts.ts'
import { titleOf } from '../../models/task-facts.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { TaskProgress } from '../tasks/task-progress.tsx'
import { CloneProgress, RepoMark } from './repo-mark.tsx'

export function ReposPage() {
  const { repos, hosted } = usePage().dashboard
  useEffect(() => {
    void repos.load()
    void hosted.load()
  }, [])
  const kept = repos.items.value
  const shared = hosted.items.value
  const error = repos.error.value ?? hosted.error.value
  const none = kept?.length === 0 && shared?.length === 0
  return (
    <>
      <PageHead title="Repositories" lead={kept && shared && `${shared.length} hosted by the mesh, ${kept.length} kept here`} />
      {error !== undefined && <ProblemNote error={error} what="The repositories could not be listed." />}
      {(kept === undefined || shared === undefined) && error === undefined && <div class="loading" role="status" aria-label="Loading" />}
      <Cloning />
      {none && (
        <EmptyState
          title="No repository is kept yet. Workers of the mesh can host one together; git itself clones it and pushes to it:"
          command="nimbus repo host app --from https://example.org/app.git"
        />
      )}
      {shared !== undefined && shared.length > 0 && <Hosted repos={shared} />}
      {kept !== undefined && kept.length > 0 && <Kept repos={kept} />}
    </>
  )
}

/** Tasks whose worker fetches a repository for them. */
function Cloning() {
  const { dashboard } = usePage()
  const cloning = dashboard.tasks.all.value.filter(({ state, progress }) => state === 'running' && progress?.phase === 'cloning')
  if (cloning.length === 0) return null
  return (
    <section aria-labelledby="cloning">
      <h2 id="cloning">Being cloned</h2>
      <ul class="rows">
        {cloning.map((task) => (
          <li key={task.id}>
            <div class="row-main">
              <a class="row-title" href={`/tasks/${task.id}`}>
                {titleOf(task)}
              </a>{' '}
              <span class="muted">on {task.attempts.at(-1)?.workerName}</span>
              <TaskProgress task={task} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Hosted(props: { repos: readonly HostedRepoView[] }) {
  return (
    <section aria-labelledby="hosted">
      <h2 id="hosted">Hosted by the mesh</h2>
      <table class="table">
        <thead>
          <tr>
            <th>Repository</th>
            <th>Default branch</th>
            <th>Kept by</th>
            <th class="right">Branches</th>
            <th class="right">Version</th>
            <th class="right">Last push</th>
          </tr>
        </thead>
        <tbody>
          {props.repos.map((repo) => (
            <HostedRow key={repo.name} repo={repo} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function HostedRow(props: { repo: HostedRepoView }) {
  const { repo } = props
  const pushed = Math.max(0, ...repo.refs.map(({ at }) => at))
  const whole = repo.holders.filter(({ state, current }) => state === 'alive' && current).length
  return (
    <tr>
      <td class="main">
        <a href={`/repos/mesh/${encodeURIComponent(repo.name)}`}>{repo.name}</a>
        <span class="row-text mono">{repo.url}</span>
      </td>
      <td data-name="Default branch" class={repo.head === null ? 'usual' : ''}>
        {repo.head === null ? 'none yet' : inertText(repo.head)}
      </td>
      <td data-name="Kept by">
        {repo.holders.map(({ workerName }) => inertText(workerName)).join(', ')}{' '}
        <span class="muted number">
          {whole} of {repo.holders.length} whole
        </span>
      </td>
      <td data-name="Branches" class="right number">
        {repo.refs.filter(({ ref }) => ref.startsWith('refs/heads/')).length}
      </td>
      <td data-name="Version" class="right number">
        {repo.version}
      </td>
      <td data-name="Last push" class={`right number ${pushed === 0 ? 'usual' : ''}`}>
        {pushed === 0 ? '–' : <Age time={pushed} />}
      </td>
    </tr>
  )
}

function Kept(props: { repos: readonly RepoView[] }) {
  const { dashboard } = usePage()
  return (
    <section aria-labelledby="kept">
      <h2 id="kept">
        Kept by {dashboard.fleet.mesh.value?.self.name ?? 'this worker'} <span class="muted">through which you look</span>
      </h2>
      <table class="table">
        <thead>
          <tr>
            <th>State</th>
            <th>Repository</th>
            <th>Branch</th>
            <th>Work trees</th>
            <th class="right">Size</th>
            <th class="right">Last fetch</th>
          </tr>
        </thead>
        <tbody>
          {props.repos.map((repo) => (
            <KeptRow key={repo.name} repo={repo} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function KeptRow(props: { repo: RepoView }) {
  const { repo } = props
  return (
    <tr>
      <td class="cell-state">
        <RepoMark repo={repo} />
      </td>
      <td class="main">
        <a href={`/repos/${encodeURIComponent(repo.name)}`}>{repo.name}</a>
        <span class="row-text break">{inertText(repo.url)}</span>
        {repo.error !== undefined && (
          <span class="row-text">
            <span class="bad">{inertText(repo.error)}</span>
          </span>
        )}
        <CloneProgress repo={repo} />
      </td>
      <td data-name="Branch" class={repo.defaultBranch === undefined ? 'usual' : ''}>
        {inertText(repo.defaultBranch ?? '–')} {repo.commit !== undefined && <code class="muted">{shortCommit(repo.commit)}</code>}
      </td>
      <td data-name="Work trees">{repo.trees.map(({ name }) => name).join(', ') || '–'}</td>
      <td data-name="Size" class={`right number ${repo.bytes === undefined ? 'usual' : ''}`}>
        {repo.bytes === undefined ? '–' : bytesText(repo.bytes)}
      </td>
      <td data-name="Last fetch" class={`right number ${repo.fetchedAt === undefined ? 'usual' : ''}`}>
        {repo.fetchedAt === undefined ? '–' : <Age time={repo.fetchedAt} />}
      </td>
    </tr>
  )
}
