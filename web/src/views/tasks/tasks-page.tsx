// All tasks by one filter, which lives in the address: it can be sent to someone.
import { useEffect } from 'preact/hooks'
import type { TaskStateName } from '../../../../protocols/http/views.ts'
import { TASK_STATES } from '../../models/task-facts.ts'
import { PageHead } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { useTypedAddress } from '../../parts/field.tsx'
import { TaskTable } from './task-table.tsx'

export function TasksPage() {
  const { dashboard, router } = usePage()
  const { list, fleet } = dashboard
  const { query } = router.place.value
  const state = TASK_STATES.find((name) => name === query.get('state'))
  const text = query.get('q') ?? ''
  useEffect(() => {
    list.filter.value = { state, text }
    void list.load()
  }, [state, text])
  const rows = list.rows.value
  const filtered = state !== undefined || text !== ''
  return (
    <>
      <PageHead title="Tasks" lead={filtered ? `${rows.length}${list.hasMore.value ? ' newest' : ''} match` : undefined} />
      <Filter state={state} text={text} />
      {list.error.value && <ProblemNote error={list.error.value} what="The tasks could not be listed." />}
      {rows.length > 0 && <TaskTable tasks={rows} />}
      {rows.length === 0 && !list.loading.value && fleet.mesh.value !== undefined && <NoTasks filtered={filtered} />}
      {list.hasMore.value && (
        <p class="more">
          <button type="button" disabled={list.loading.value} onClick={() => void list.loadMore()}>
            Show older tasks
          </button>
        </p>
      )}
    </>
  )
}

function Filter(props: { state: TaskStateName | undefined; text: string }) {
  const { dashboard, router } = usePage()
  const counts = dashboard.fleet.counts.value
  const [typed, setTyped] = useTypedAddress(props.text, (text) => router.go(address(props.state, text), { replace: true }))
  return (
    <div class="filter" role="search">
      <label class="search">
        <Icon name="search" />
        <span class="off-screen">Filter tasks</span>
        <input
          id="task-filter"
          type="search"
          placeholder="Words, or state:failed worker:box age:&lt;1h"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <kbd>/</kbd>
      </label>
      <ul class="states" aria-label="States">
        <li>
          <a href={address(undefined, props.text)} aria-current={props.state === undefined ? 'true' : undefined}>
            all
          </a>
        </li>
        {TASK_STATES.map((state) => (
          <li key={state}>
            <a href={address(state, props.text)} aria-current={props.state === state ? 'true' : undefined}>
              <StateMark state={state} /> <span class="number muted">{(counts[state] ?? 0).toLocaleString('en')}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

function NoTasks(props: { filtered: boolean }) {
  if (props.filtered) {
    return (
      <EmptyState title="No task matches.">
        <p>
          <a href="/tasks">Show all tasks</a>
        </p>
      </EmptyState>
    )
  }
  return (
    <EmptyState title="No task has been published yet. Try one:" command="nimbus task run -- echo hello from the mesh">
      <p>
        Or press <kbd>n</kbd>.
      </p>
    </EmptyState>
  )
}

function address(state: TaskStateName | undefined, text: string): string {
  const search = new URLSearchParams()
  if (state !== undefined) search.set('state', state)
  if (text !== '') search.set('q', text)
  const query = search.toString()
  return query === '' ? '/tasks' : `/tasks?${query}`
}
