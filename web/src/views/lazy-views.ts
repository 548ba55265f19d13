// The views that are not needed for the first paint, each in its own file of the bundle.
import { lazyView } from '../parts/lazy.tsx'

export const MeshPage = lazyView(async () => (await import('./mesh/mesh-page.tsx')).MeshPage)
export const TasksPage = lazyView(async () => (await import('./tasks/tasks-page.tsx')).TasksPage)
export const TaskPage = lazyView(async () => (await import('./tasks/task-page.tsx')).TaskPage)
export const WorkersPage = lazyView(async () => (await import('./workers/workers-page.tsx')).WorkersPage)
export const WorkerPage = lazyView(async () => (await import('./workers/worker-page.tsx')).WorkerPage)
export const SchedulesPage = lazyView(async () => (await import('./schedules/schedules-page.tsx')).SchedulesPage)
export const MessagesPage = lazyView(async () => (await import('./messages/messages-page.tsx')).MessagesPage)
export const SessionsPage = lazyView(async () => (await import('./sessions/sessions-page.tsx')).SessionsPage)
export const SessionPage = lazyView(async () => (await import('./sessions/session-page.tsx')).SessionPage)
export const TerminalsPage = lazyView(async () => (await import('./terminals/terminals-page.tsx')).TerminalsPage)
export const TerminalPage = lazyView(async () => (await import('./terminals/terminal-page.tsx')).TerminalPage)
export const QuestionsPage = lazyView(async () => (await import('./questions/questions-page.tsx')).QuestionsPage)
export const QuestionPage = lazyView(async () => (await import('./questions/question-page.tsx')).QuestionPage)
export const ServicesPage = lazyView(async () => (await import('./services/services-page.tsx')).ServicesPage)
export const ServicePage = lazyView(async () => (await import('./services/service-page.tsx')).ServicePage)
export const CostsPage = lazyView(async () => (await import('./costs/costs-page.tsx')).CostsPage)
export const BuildsPage = lazyView(async () => (await import('./builds/builds-page.tsx')).BuildsPage)
export const BuildPage = lazyView(async () => (await import('./builds/build-page.tsx')).BuildPage)
export const ReposPage = lazyView(async () => (await import('./repos/repos-page.tsx')).ReposPage)
export const RepoPage = lazyView(async () => (await import('./repos/repo-page.tsx')).RepoPage)
export const HostedRepoPage = lazyView(async () => (await import('./repos/hosted-repo-page.tsx')).HostedRepoPage)
export const LogsPage = lazyView(async () => (await import('./logs/logs-page.tsx')).LogsPage)
export const LogPage = lazyView(async () => (await import('./logs/log-page.tsx')).LogPage)
export const TimelinePage = lazyView(async () => (await import('./timeline/timeline-page.tsx')).TimelinePage)
export const PublishDialog = lazyView(async () => (await import('./tasks/publish-dialog.tsx')).PublishDialog)
export const InviteDialog = lazyView(async () => (await import('./mesh/invite-dialog.tsx')).InviteDialog)
export const Palette = lazyView(async () => (await import('./shell/palette.tsx')).Palette)
export const ShortcutsDialog = lazyView(async () => (await import('./shell/shortcuts-dialog.tsx')).ShortcutsDialog)

/** Fetches them all but the emulator, which is large and comes when a terminal is opened; one that fails is tried again when it is opened. */
export function fetchLazyViews(): void {
  for (const view of [
    TasksPage,
    TaskPage,
    PublishDialog,
    WorkersPage,
    WorkerPage,
    MeshPage,
    SchedulesPage,
    MessagesPage,
    SessionsPage,
    SessionPage,
    TerminalsPage,
    QuestionsPage,
    QuestionPage,
    ServicesPage,
    ServicePage,
    CostsPage,
    BuildsPage,
    BuildPage,
    ReposPage,
    RepoPage,
    HostedRepoPage,
    LogsPage,
    LogPage,
    TimelinePage,
    InviteDialog,
    ShortcutsDialog,
    Palette,
  ])
    view.fetch().catch(() => {
      // It is fetched again when it is opened, and said there if that fails too.
    })
}
