// The first minute: one sentence on how things are, what needs a person, what runs, who is there, what happened.
import { useMemo } from 'preact/hooks'
import { needsOf } from '../../models/needs.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { WorkerCard } from '../workers/worker-card.tsx'
import { ActivityFeed } from './activity-feed.tsx'
import { NeedsList } from './needs-list.tsx'
import { RunningNow } from './running-now.tsx'
import { TopPriorities } from './top-priorities.tsx'
import { StateCounts } from './state-counts.tsx'

/** Needs grow with time (a wait gets too long), but nobody watches them by the second. */
const NEEDS_EVERY_MS = 5_000

export function Overview() {
  const { dashboard, clock } = usePage()
  const { fleet } = dashboard
  const mesh = fleet.mesh.value
  const workers = fleet.workers.value
  const tasks = dashboard.tasks.all.value
  const tick = Math.floor(clock.now.value / NEEDS_EVERY_MS)
  const questions = dashboard.questions.items.value
  const sessions = dashboard.sessions.items.value
  const needs = useMemo(
    () => needsOf({ mesh, workers, tasks, questions, sessions }, clock.now.peek()),
    [mesh, workers, tasks, questions, sessions, tick],
  )
  if (mesh === undefined) return <div class="loading" role="status" aria-label="Loading" />
  const counts = fleet.counts.value
  const none = Object.values(counts).every((count) => count === 0) && tasks.length === 0
  return (
    <>
      <PageHead title={sentence(needs.length, counts.running ?? 0, counts.ready ?? 0)} />
      <StateCounts counts={counts} />
      <div class="overview">
        <div class="stack">
          <NeedsList needs={needs} />
          <TopPriorities />
          {none ? <FirstSteps alone={workers.length === 1} /> : <RunningNow />}
          <section aria-labelledby="overview-workers">
            <h2 id="overview-workers">
              <a href="/workers">Workers</a>
              <span class="muted number">{workers.length}</span>
            </h2>
            <div class="cards">
              {workers.slice(0, 12).map((worker) => (
                <WorkerCard key={worker.peerId} worker={worker} />
              ))}
            </div>
            {workers.length > 12 && <a href="/workers">All {workers.length} workers</a>}
          </section>
        </div>
        <ActivityFeed />
      </div>
    </>
  )
}

function sentence(needs: number, running: number, ready: number): string {
  const work =
    running === 0
      ? ready === 0
        ? 'Nothing is running.'
        : `${ready} ready to start.`
      : `${running} ${running === 1 ? 'task runs' : 'tasks run'}${ready > 0 ? `, ${ready} ${ready === 1 ? 'waits' : 'wait'}` : ''}.`
  if (needs === 0) return `Clear sky. ${work}`
  return `${needs === 1 ? 'One thing needs' : `${needs} things need`} you. ${work}`
}

function FirstSteps(props: { alone: boolean }) {
  return (
    <EmptyState title="No task has been published yet. Try one:" command="nimbus task run -- echo hello from the mesh">
      <p>
        Or press <kbd>n</kbd> here. {props.alone && 'This mesh has one worker; press i to invite another machine.'}
      </p>
    </EmptyState>
  )
}
