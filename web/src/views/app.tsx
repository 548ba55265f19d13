// Which page is shown: by who is there (sign-in, unreachable) and by the path.
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { CloudMark } from '../parts/icons.tsx'
import { EmptyState } from '../parts/notes.tsx'
import { usePage } from '../parts/page-context.ts'
import {
  CostsPage,
  BuildPage,
  BuildsPage,
  HostedRepoPage,
  LogPage,
  LogsPage,
  MeshPage,
  MessagesPage,
  QuestionPage,
  QuestionsPage,
  RepoPage,
  ReposPage,
  SchedulesPage,
  ServicePage,
  ServicesPage,
  SessionPage,
  SessionsPage,
  TaskPage,
  TasksPage,
  TerminalPage,
  TerminalsPage,
  TimelinePage,
  WorkerPage,
  WorkersPage,
  fetchLazyViews,
} from './lazy-views.ts'
import { Overview } from './overview/overview.tsx'
import { Shell } from './shell/shell.tsx'
import { SignIn, Unreachable } from './shell/sign-in.tsx'

export function App() {
  const { dashboard } = usePage()
  const entry = dashboard.entry.value
  const inside = entry.kind === 'in'
  useEffect(() => {
    if (inside) fetchLazyViews()
  }, [inside])
  if (entry.kind === 'checking') return <div class="gate" role="status" aria-label="Loading" children={<CloudMark size={44} />} />
  if (entry.kind === 'signed-out') return <SignIn />
  if (entry.kind === 'unreachable') return <Unreachable error={entry.error} />
  return (
    <Shell>
      <Page />
    </Shell>
  )
}

function Page() {
  const { router } = usePage()
  const { path } = router.place.value
  const { view, title } = pageAt(path)
  useEffect(() => {
    document.title = `${title} · Nimbus`
  }, [title])
  return view
}

function pageAt(path: string): { view: ComponentChildren; title: string } {
  const [first = '', second, ...more] = path.split('/').filter(Boolean)
  const id = second === undefined ? undefined : safeDecode(second)
  if (more.length === 0 && id === undefined) {
    if (first === '') return { view: <Overview />, title: 'Overview' }
    if (first === 'workers') return { view: <WorkersPage />, title: 'Workers' }
    if (first === 'tasks') return { view: <TasksPage />, title: 'Tasks' }
    if (first === 'sessions') return { view: <SessionsPage />, title: 'Sessions' }
    if (first === 'terminals') return { view: <TerminalsPage />, title: 'Terminals' }
    if (first === 'questions') return { view: <QuestionsPage />, title: 'Questions' }
    if (first === 'services') return { view: <ServicesPage />, title: 'Services' }
    if (first === 'builds') return { view: <BuildsPage />, title: 'Builds' }
    if (first === 'repos') return { view: <ReposPage />, title: 'Repositories' }
    if (first === 'timeline') return { view: <TimelinePage />, title: 'Timeline' }
    if (first === 'logs') return { view: <LogsPage />, title: 'Logs' }
    if (first === 'schedules') return { view: <SchedulesPage />, title: 'Schedules' }
    if (first === 'messages') return { view: <MessagesPage />, title: 'Messages' }
    if (first === 'costs') return { view: <CostsPage />, title: 'Costs' }
    if (first === 'mesh') return { view: <MeshPage />, title: 'Mesh' }
  } else if (more.length === 0 && id !== undefined) {
    if (first === 'workers') return { view: <WorkerPage key={id} id={id} />, title: 'Worker' }
    if (first === 'sessions') return { view: <SessionPage key={id} id={id} />, title: 'Session' }
    if (first === 'terminals') return { view: <TerminalPage key={id} id={id} />, title: 'Terminal' }
    if (first === 'services') return { view: <ServicePage key={id} name={id} />, title: 'Service' }
    if (first === 'questions') return { view: <QuestionPage key={id} id={id} />, title: 'Question' }
    if (first === 'tasks') return { view: <TaskPage key={id} id={id} />, title: 'Task' }
    if (first === 'logs') return { view: <LogPage key={id} id={id} />, title: 'Log' }
    if (first === 'builds') return { view: <BuildPage key={id} id={id} />, title: 'Build' }
    if (first === 'repos') return { view: <RepoPage key={id} name={id} />, title: 'Repository' }
  } else if (more.length === 1 && first === 'repos' && second === 'mesh') {
    const name = safeDecode(more[0] ?? '')
    return { view: <HostedRepoPage key={name} name={name} />, title: 'Repository' }
  }
  return {
    title: 'Not here',
    view: (
      <EmptyState title="There is no page at this address.">
        <p>
          <a href="/">Go to the overview</a>
        </p>
      </EmptyState>
    ),
  }
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not an encoding: looked up as it stands, and not found as it stands.
    return text
  }
}
