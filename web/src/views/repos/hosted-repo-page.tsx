// One repository that the mesh hosts: its branches and who moved them, the workers that keep it, how to clone it.
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { HostedRepoView } from '../../../../protocols/http/hosted.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { CommandLine, CopyButton, ShortId } from '../../parts/copy.tsx'
import { Facts, PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'

/** A repository of many branches: the rest is what `nimbus repo hosted` lists. */
const REFS_SHOWN = 200

export function HostedRepoPage(props: { name: string }) {
  const { hosted } = usePage().dashboard
  useEffect(() => void hosted.load(), [])
  const repo = hosted.items.value?.find(({ name }) => name === props.name)
  if (repo !== undefined) return <Detail repo={repo} />
  if (hosted.error.value !== undefined) return <ProblemNote error={hosted.error.value} what="The repository could not be loaded." />
  if (hosted.items.value === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return <EmptyState title={`The mesh hosts no repository called ${props.name}.`} command="nimbus repo hosted" />
}

function Detail(props: { repo: HostedRepoView }) {
  const { repo } = props
  const whole = repo.holders.filter(({ state, current }) => state === 'alive' && current).length
  return (
    <>
      <PageHead
        crumb={{ href: '/repos', text: 'Repositories' }}
        title={repo.name}
        lead={
          <>
            <StateMark
              state={whole === 0 ? 'dead' : whole < repo.holders.length ? 'suspect' : 'alive'}
              label={`${whole} of ${repo.holders.length} workers have all of it`}
            />
            <span class="muted number">version {repo.version}</span>
          </>
        }
      >
        <CopyButton class="labelled" text={`nimbus repo hosted ${repo.name}`} what="as a command">
          Copy as command
        </CopyButton>
      </PageHead>
      <CommandLine command={`git clone ${repo.url}`} />
      <div class="detail">
        <section aria-labelledby="refs">
          <h2 id="refs">
            Branches and tags <span class="muted number">{repo.refs.length}</span>
          </h2>
          {repo.refs.length === 0 ? <p class="muted quiet-line">Nothing has been pushed yet.</p> : <Refs repo={repo} />}
        </section>
        <section class="card side" aria-label="Kept by">
          <Facts
            of={[
              ['Address', <span class="mono break">{repo.url}</span>],
              ['Default', repo.head && inertText(repo.head)],
              ...repo.holders.map(({ worker, workerName, state, current }): readonly [string, ComponentChildren] => [
                inertText(workerName),
                <a href={`/workers/${worker}`}>
                  <StateMark
                    state={state === 'alive' && !current ? 'running' : state}
                    label={
                      state !== 'alive' ? (state === 'dead' ? 'offline' : state) : current ? 'has all of it' : 'is being brought up to date'
                    }
                  />
                </a>,
              ]),
            ]}
          />
        </section>
      </div>
    </>
  )
}

function Refs(props: { repo: HostedRepoView }) {
  const { refs, head } = props.repo
  const hidden = refs.length - REFS_SHOWN
  return (
    <>
      <table class="table">
        <thead>
          <tr>
            <th>Name</th>
            <th>Commit</th>
            <th>Pushed through</th>
            <th class="right">When</th>
          </tr>
        </thead>
        <tbody>
          {refs.slice(0, REFS_SHOWN).map(({ ref, commit, by, byName, at }) => (
            <tr key={ref}>
              <td class="main">
                {inertText(ref.replace(/^refs\/(heads|tags)\//, ''))}
                {ref.startsWith('refs/tags/') && <span class="badge">tag</span>}
                {ref === `refs/heads/${head ?? ''}` && <span class="badge">default</span>}
              </td>
              <td data-name="Commit">
                <ShortId id={commit} what={`the commit of ${inertText(ref)}`} />
              </td>
              <td data-name="Pushed through">
                <a href={`/workers/${by}`}>{inertText(byName)}</a>
              </td>
              <td data-name="When" class="right number">
                <Age time={at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {hidden > 0 && <p class="muted">and {hidden} more</p>}
    </>
  )
}
