// What many tasks write, merged by time: of all workers, of one, or of tasks that the address names. A search asks the workers.
import { useEffect, useState } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { hasEnded, lastAttempt, titleOf } from '../../models/task-facts.ts'
import { quoteWord } from '../../models/text/command-words.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { FoundList, useFoundLines } from './found-list.tsx'
import { LogSearch } from './log-search.tsx'

/** Outputs that are read together: what one person can follow. */
const SOURCES_MAX = 24
/** Where nothing runs: the newest that have run. */
const LATELY_MAX = 8
const TAIL_LINES = 200
const HITS_MAX = 500
/** Tasks that start one after another are taken in together. */
const CHANGES_AFTER_MS = 1_000

export function LogsPage() {
  const { router, dashboard } = usePage()
  const { query } = router.place.value
  const q = query.get('q') ?? ''
  const context = Number(query.get('context') ?? 0) || 0
  const worker = query.get('worker') ?? ''
  const named = query.get('tasks') ?? ''
  const sources = useSources(named, worker)
  const ids = sources.map(({ id }) => id).join(',')
  const asked = q === '' ? { tail: TAIL_LINES } : { q, context, limit: HITS_MAX }
  const outputs = {
    count: sources.length,
    open: (signal: AbortSignal) => dashboard.transport.lines.ofTasks(ids.split(','), { ...asked, follow: true }, signal),
  }
  const found = useFoundLines(`${worker} ${named} ${context} ${q}`, ids === '' ? undefined : outputs, `${ids} ${context} ${q}`)
  const byId = new Map(sources.map((task) => [task.id, task]))
  const go = (change: Record<string, string>) =>
    router.go(addressOf({ q, worker, tasks: named, context: context > 0 ? String(context) : '', ...change }), { replace: true })
  return (
    <>
      <Head sources={sources} q={q} context={context} />
      <LogSearch q={q} context={context} go={(change) => go({ q: change.q, context: change.context > 0 ? String(change.context) : '' })} />
      <Workers
        chosen={worker}
        isNamed={named !== ''}
        href={(name) => addressOf({ q, worker: name, context: context > 0 ? String(context) : '' })}
      />
      <Sources tasks={sources} />
      {sources.length === 0 && dashboard.fleet.mesh.value !== undefined ? (
        <EmptyState
          title="Nothing that could write has run yet. Try one:"
          command="nimbus task run -- sh -c 'while true; do date; sleep 1; done'"
        />
      ) : (
        <FoundList
          found={found}
          find={q}
          label="Lines by time"
          follows={q === ''}
          href={({ task, epoch, line }) => `/logs/${task}?attempt=${epoch}&line=${line}`}
          from={({ task }) => {
            const known = byId.get(task) ?? dashboard.tasks.get(task)?.peek()
            return { name: (known && lastAttempt(known)?.workerName) ?? '–', title: known === undefined ? task : titleOf(known) }
          }}
          empty={q === '' ? 'Nothing was written yet.' : 'No line holds it.'}
        />
      )}
    </>
  )
}

function Head(props: { sources: readonly TaskView[]; q: string; context: number }) {
  const { sources, q, context } = props
  const ids = sources.map(({ id }) => id).join(',')
  return (
    <PageHead title="Logs" lead={sources.length > 0 && `${sources.length} ${sources.length === 1 ? 'task' : 'tasks'}, merged by time`}>
      {ids !== '' && (
        <>
          <CopyButton class="labelled" text={commandOf(sources, q, context)} what="as a command">
            Copy as command
          </CopyButton>
          <a
            class="button"
            href={`/api/lines${addressOf({ tasks: ids, q, context: String(context), limit: '2000', ...(q === '' && { tail: '2000' }) }).slice('/logs'.length)}`}
            download="lines.ndjson"
          >
            Download
          </a>
        </>
      )}
    </PageHead>
  )
}

/** The named tasks; else what runs (on one worker), with what was followed here before; else what ran lately. */
function useSources(named: string, worker: string): readonly TaskView[] {
  const { dashboard } = usePage()
  const [followed, setFollowed] = useState<{ of: string; ids: readonly string[] }>({ of: '', ids: [] })
  const of = `${named} ${worker}`
  const tasks = dashboard.tasks.all.value
  const wanted = named.split(',').filter(Boolean).slice(0, SOURCES_MAX)
  useEffect(() => {
    // One that cannot be fetched is left out, and the others are shown.
    for (const id of wanted) if (dashboard.tasks.get(id) === undefined) dashboard.loadTask(id).catch(() => undefined)
  }, [named])
  const isOn = (task: TaskView) => lastAttempt(task) !== undefined && (worker === '' || lastAttempt(task)?.workerName === worker)
  const known = followed.of === of ? followed.ids : []
  const now = named === '' ? pick(tasks.filter(isOn), known) : wanted.filter((id) => dashboard.tasks.get(id) !== undefined)
  const text = now.join(',')
  useEffect(() => {
    if (text === known.join(',')) return
    const timer = setTimeout(() => setFollowed({ of, ids: now }), known.length === 0 ? 0 : CHANGES_AFTER_MS)
    return () => clearTimeout(timer)
  }, [text, of])
  return known.flatMap((id) => dashboard.tasks.get(id)?.value ?? [])
}

function pick(tasks: readonly TaskView[], known: readonly string[]): string[] {
  const running = tasks.filter(({ state }) => state === 'running').map(({ id }) => id)
  const before = known.filter((id) => !running.includes(id))
  const chosen = [...running, ...before].slice(0, SOURCES_MAX)
  return chosen.length > 0 ? chosen : tasks.slice(0, LATELY_MAX).map(({ id }) => id)
}

function Workers(props: { chosen: string; isNamed: boolean; href: (name: string) => string }) {
  const { workers } = usePage().dashboard.fleet
  const isAll = props.chosen === '' && !props.isNamed
  return (
    <div class="filter">
      <ul class="states" aria-label="Workers">
        <li>
          <a href={props.href('')} aria-current={isAll ? 'true' : undefined}>
            all
          </a>
        </li>
        {workers.value.map(({ name, peerId }) => (
          <li key={peerId}>
            <a href={props.href(name)} aria-current={props.chosen === name ? 'true' : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Sources(props: { tasks: readonly TaskView[] }) {
  if (props.tasks.length === 0) return null
  return (
    <details class="more-fields">
      <summary>Whose lines these are</summary>
      <ul class="plain links">
        {props.tasks.map((task) => (
          <li key={task.id}>
            <StateMark state={task.state} /> <a href={`/logs/${task.id}`}>{titleOf(task)}</a>{' '}
            <span class="muted">
              on {lastAttempt(task)?.workerName}
              {hasEnded(task.state) && ', ended'}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}

function commandOf(tasks: readonly TaskView[], q: string, context: number): string {
  const all = `for id in ${tasks.map(({ id }) => id).join(' ')}; do nimbus task logs $id; done`
  return q === '' ? all : `${all} | grep -i -F -C ${context} -e ${quoteWord(q)}`
}

function addressOf(query: Record<string, string>): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''))
  const text = search.toString()
  return text === '' ? '/logs' : `/logs?${text}`
}
