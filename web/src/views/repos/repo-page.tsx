// One repository that this worker keeps: its mirror, how far a fetch is, and what would be lost with its work trees.
import { useEffect, useState } from 'preact/hooks'
import type { RepoView, TreeView } from '../../../../protocols/http/repos.ts'
import { shortCommit } from '../../models/code/build-facts.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { CopyButton, ShortId } from '../../parts/copy.tsx'
import { Facts, PageHead } from '../../parts/facts.tsx'
import { Callout, EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { CloneProgress, RepoMark } from './repo-mark.tsx'

export function RepoPage(props: { name: string }) {
  const { dashboard } = usePage()
  const [looked, setLooked] = useState<RepoView>()
  const [error, setError] = useState<ApiError>()
  const listed = dashboard.repos.items.value?.find(({ name }) => name === props.name)
  useEffect(() => void dashboard.repos.load(), [])
  useEffect(() => {
    let left = false
    // What is in its work trees is looked for on the disk: once, and again after each fetch.
    dashboard.transport.code.repo(props.name).then(
      (found) => !left && setLooked(found),
      (thrown: unknown) => !left && setError(asApiError(thrown)),
    )
    return () => {
      left = true
    }
  }, [props.name, listed?.fetchedAt, listed?.state])
  const repo = listed === undefined || looked === undefined ? (listed ?? looked) : { ...listed, trees: looked.trees }
  if (repo !== undefined) return <Detail repo={repo} />
  if (error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return error.status === 404 ? (
    <EmptyState
      title={`${dashboard.fleet.mesh.value?.self.name ?? 'This worker'} keeps no repository called ${props.name}.`}
      command="nimbus repo ls"
    />
  ) : (
    <ProblemNote error={error} what="The repository could not be loaded." />
  )
}

function Detail(props: { repo: RepoView }) {
  const { repo } = props
  const { dashboard } = usePage()
  const self = dashboard.fleet.mesh.value?.self
  return (
    <>
      <PageHead
        crumb={{ href: '/repos', text: 'Repositories' }}
        title={repo.name}
        lead={
          <>
            <RepoMark repo={repo} />
            {self && (
              <span>
                on <a href={`/workers/${self.peerId}`}>{self.name}</a>
              </span>
            )}
            <span class="muted">
              added <Age time={repo.addedAt} suffix />
            </span>
          </>
        }
      >
        <CopyButton class="labelled" text={`nimbus repo show ${repo.name}`} what="as a command">
          Copy as command
        </CopyButton>
        <FetchButton repo={repo} />
      </PageHead>
      {repo.error !== undefined && <Callout tone="bad" title={sentence(repo.error)} />}
      <CloneProgress repo={repo} />
      <div class="detail">
        <section aria-labelledby="trees">
          <h2 id="trees">Work trees</h2>
          {repo.trees.length === 0 ? <p class="muted quiet-line">None.</p> : <Trees trees={repo.trees} />}
        </section>
        <section class="card side" aria-label="What it is">
          <Facts
            of={[
              ['Origin', <span class="break">{inertText(repo.url)}</span>],
              ['Branch', repo.defaultBranch && inertText(repo.defaultBranch)],
              ['Commit', repo.commit && <ShortId id={repo.commit} what="the commit" />],
              ['Size', repo.bytes !== undefined && `${bytesText(repo.bytes)}, the mirror alone`],
              ['Last fetch', repo.fetchedAt !== undefined && <Age time={repo.fetchedAt} suffix />],
            ]}
          />
        </section>
      </div>
    </>
  )
}

function FetchButton(props: { repo: RepoView }) {
  const { dashboard, notices } = usePage()
  const [busy, setBusy] = useState(false)
  async function fetchNow() {
    setBusy(true)
    try {
      await dashboard.transport.code.fetchRepo(props.repo.name)
      notices.done(`${props.repo.name} is up to date`)
    } catch (thrown) {
      notices.failed(`${props.repo.name} was not fetched`, thrown)
    }
    setBusy(false)
    await dashboard.repos.load()
  }
  return (
    <button type="button" class="primary" disabled={busy || props.repo.state === 'fetching'} onClick={() => void fetchNow()}>
      {busy ? 'Fetching' : 'Fetch'}
    </button>
  )
}

function Trees(props: { trees: readonly TreeView[] }) {
  return (
    <ul class="rows">
      {props.trees.map((tree) => (
        <li key={tree.name}>
          <div class="row-main">
            <strong>{tree.name}</strong> on {inertText(tree.branch)}{' '}
            {tree.commit !== undefined && <code class="muted">{shortCommit(tree.commit)}</code>}
            <span class="row-text mono break">{inertText(tree.dir)}</span>
            {tree.unsafe !== undefined && <span class="row-text bad">{sentence(tree.unsafe)}</span>}
            {tree.notes?.map((note) => (
              <span key={note} class="row-text">
                {inertText(note)}
              </span>
            ))}
          </div>
          <span class="muted number">{workText(tree)}</span>
        </li>
      ))}
    </ul>
  )
}

/** What is in it and nowhere else. */
function workText({ changed, unpushed }: TreeView): string {
  if (changed === undefined && unpushed === undefined) return ''
  const parts = [changed && `${changed} changed`, unpushed && `${unpushed} not pushed`].filter(Boolean)
  return parts.length === 0 ? 'no work that is nowhere else' : parts.join(', ')
}
