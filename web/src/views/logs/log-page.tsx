// The output of one attempt, however long: any line of it has an address, and a search looks through all of it on its worker.
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { AttemptView, TaskView } from '../../../../protocols/http/views.ts'
import { createLogWindow } from '../../models/logs/log-window.ts'
import { hasEnded, lastAttempt, titleOf } from '../../models/task-facts.ts'
import { quoteWord } from '../../models/text/command-words.ts'
import { bytesText } from '../../models/text/durations.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { RowViewport } from '../../parts/row-viewport.tsx'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { FoundList, useFoundLines } from './found-list.tsx'
import { LineRow } from './line-row.tsx'
import { LogSearch } from './log-search.tsx'

/** Hits that one search shows; the next ones are a click away. */
const HITS_MAX = 1_000

export function LogPage(props: { id: string }) {
  const { dashboard } = usePage()
  const [error, setError] = useState<ApiError>()
  useEffect(() => {
    dashboard.loadTask(props.id).then(
      () => setError(undefined),
      (thrown: unknown) => setError(asApiError(thrown)),
    )
  }, [props.id])
  void dashboard.tasks.all.value
  const task = dashboard.tasks.get(props.id)?.value
  if (task !== undefined) return <TaskLog task={task} />
  if (error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return error.status === 404 ? (
    <EmptyState title={`No task has the ID ${props.id}.`} command="nimbus task ls" />
  ) : (
    <ProblemNote error={error} what="The task could not be loaded." />
  )
}

function TaskLog(props: { task: TaskView }) {
  const { task } = props
  const { router, dashboard } = usePage()
  const { query } = router.place.value
  const q = query.get('q') ?? ''
  const context = Number(query.get('context') ?? 0) || 0
  const line = Number(query.get('line') ?? 0) || undefined
  const attempt = task.attempts.find(({ epoch }) => String(epoch) === query.get('attempt')) ?? lastAttempt(task)
  const lineHref = (number: number) => addressOf(task.id, attempt?.epoch, { line: String(number) })
  const command = `nimbus task logs ${task.id}${q === '' ? '' : ` | grep -n -i -F -C ${context} -e ${quoteWord(q)}`}`
  return (
    <>
      <PageHead crumb={{ href: '/logs', text: 'Logs' }} title={titleOf(task)} lead={<Lead task={task} attempt={attempt} />}>
        <CopyButton class="labelled" text={command} what="as a command">
          Copy as command
        </CopyButton>
        {attempt && (
          <a class="button" href={dashboard.transport.logAddress(task.id, attempt.epoch)} download={`${task.id}.log`}>
            Download
          </a>
        )}
      </PageHead>
      <LogSearch
        q={q}
        context={context}
        go={(change) => router.go(addressOf(task.id, attempt?.epoch, searchOf(change)), { replace: true })}
      />
      {attempt === undefined ? (
        <p class="muted quiet-line">
          {hasEnded(task.state) ? 'It never started: there is no output.' : 'The output appears here when the task starts.'}
        </p>
      ) : q === '' ? (
        <WholeLog key={attempt.epoch} task={task} attempt={attempt} line={line} lineHref={lineHref} />
      ) : (
        <Hits key={attempt.epoch} task={task} attempt={attempt} q={q} context={context} lineHref={lineHref} />
      )}
    </>
  )
}

function Lead(props: { task: TaskView; attempt: AttemptView | undefined }) {
  const { task, attempt } = props
  return (
    <>
      <StateMark state={attempt?.outcome ?? task.state} />
      {attempt && (
        <span>
          on <a href={`/workers/${attempt.worker}`}>{attempt.workerName}</a>
        </span>
      )}
      <a href={`/tasks/${task.id}`}>its task</a>
      <span class="muted">
        {attempt === undefined ? (
          'not started'
        ) : (
          <>
            started <Age time={attempt.startedAt} suffix />
          </>
        )}
      </span>
    </>
  )
}

type LogProps = { task: TaskView; attempt: AttemptView; lineHref: (line: number) => string }

function WholeLog(props: LogProps & { line: number | undefined }) {
  const { transport } = usePage().dashboard
  const { task, attempt, line } = props
  const log = useMemo(
    () => createLogWindow((query, signal) => transport.lines.ofTask(task.id, { ...query, attempt: attempt.epoch }, signal)),
    [task.id, attempt.epoch],
  )
  useEffect(() => log.stop, [log])
  const total = log.total.value
  void log.version.value
  const isLive = attempt.outcome === 'running'
  return (
    <section class="output" aria-label="Output">
      <p class="log-standing muted" role="status">
        {total !== undefined && `${total.toLocaleString('en')} lines, ${bytesText(log.bytes.value)}`}
        {isLive && log.state.value === 'live' && ', live'}
        {log.state.value === 'reconnecting' && ', connection lost, trying again'}
      </p>
      {log.error.value && <ProblemNote error={log.error.value} what="The output could not be read." />}
      <RowViewport
        count={total ?? 0}
        label="Task output"
        follows
        endText={isLive ? 'Follow' : 'To the end'}
        target={line === undefined ? undefined : line - 1}
        onSight={(first, last) => log.look(first + 1, last + 1)}
        row={(index) => (
          <LineRow
            key={index}
            number={index + 1}
            line={log.line(index + 1)}
            href={props.lineHref(index + 1)}
            isTarget={index + 1 === line}
          />
        )}
      >
        <p class="omitted">{total === undefined ? 'Reading …' : isLive ? 'No output yet.' : 'The task wrote no output.'}</p>
      </RowViewport>
    </section>
  )
}

function Hits(props: LogProps & { q: string; context: number }) {
  const { transport } = usePage().dashboard
  const { task, attempt, q, context } = props
  const [from, setFrom] = useState({ q, line: 1 })
  const start = from.q === q ? from.line : 1
  const asked = { q, context, from: start, limit: HITS_MAX, follow: attempt.outcome === 'running', attempt: attempt.epoch }
  const found = useFoundLines(
    `${attempt.epoch} ${context} ${q}`,
    { count: 1, open: (signal) => transport.lines.ofTask(task.id, asked, signal) },
    `${start} ${context} ${q}`,
  )
  const next = found.reached.value.get(task.id)?.next
  return (
    <>
      <FoundList
        found={found}
        find={q}
        label="Lines that hold the text"
        follows={false}
        href={({ line }) => props.lineHref(line)}
        empty="No line holds it."
      />
      {next !== null && next !== undefined && (
        <p class="more">
          <button type="button" onClick={() => setFrom({ q, line: next })}>
            Search on from line {next.toLocaleString('en')}
          </button>
        </p>
      )}
    </>
  )
}

function searchOf({ q, context }: { q: string; context: number }): Record<string, string> {
  return { ...(q && { q }), ...(context > 0 && { context: String(context) }) }
}

function addressOf(id: string, epoch: number | undefined, query: Record<string, string>): string {
  const search = new URLSearchParams({ ...(epoch === undefined ? {} : { attempt: String(epoch) }), ...query })
  return `/logs/${id}?${search.toString()}`
}
