// Schedules: what runs by itself, when next, and how the last tick went.
import { useEffect, useState } from 'preact/hooks'
import type { ScheduleView } from '../../../../protocols/http/schedules.ts'
import { joinCommand } from '../../models/text/command-words.ts'
import { durationText, fullTimeText } from '../../models/text/durations.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Countdown } from '../../parts/times.tsx'

const STATES: Record<ScheduleView['state'], { text: string; title: string }> = {
  active: { text: 'active', title: 'ticks by itself' },
  paused: { text: 'paused', title: 'no ticks until it is resumed' },
  orphaned: { text: 'orphaned', title: 'its author may not publish any more: no ticks' },
  over: { text: 'over', title: 'no tick will come' },
}

export function SchedulesPage() {
  const { schedules } = usePage().dashboard
  useEffect(() => void schedules.load(), [])
  const items = schedules.items.value
  const error = schedules.error.value
  if (items === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  const active = items?.filter(({ state }) => state === 'active').length ?? 0
  return (
    <>
      <PageHead title="Schedules" lead={items === undefined ? undefined : `${active} of ${items.length} active`} />
      {error !== undefined && <ProblemNote error={error} what="The schedules could not be loaded." />}
      {items?.length === 0 && (
        <EmptyState
          title="Nothing runs by the clock yet. A schedule publishes a task at each tick, once in the whole mesh:"
          command="nimbus schedule add nightly --cron '0 3 * * *' --timezone Europe/Berlin -- npm test"
        />
      )}
      {items !== undefined && items.length > 0 && <ScheduleTable items={items} />}
    </>
  )
}

function ScheduleTable(props: { items: readonly ScheduleView[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Name</th>
          <th>When</th>
          <th>Next tick</th>
          <th>Last tick</th>
          <th>Publishes</th>
          <th>
            <span class="off-screen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {props.items.map((schedule) => (
          <Row key={schedule.name} schedule={schedule} />
        ))}
      </tbody>
    </table>
  )
}

function Row(props: { schedule: ScheduleView }) {
  const { schedule } = props
  const next = schedule.state === 'active' ? schedule.next[0] : undefined
  const { argv } = schedule.task
  return (
    <tr class={schedule.state === 'active' ? '' : 'away'}>
      <td data-name="State" title={STATES[schedule.state].title}>
        {STATES[schedule.state].text}
      </td>
      <td class="main">{schedule.name}</td>
      <td data-name="When">{whenText(schedule)}</td>
      <td data-name="Next tick" title={schedule.next.map(fullTimeText).join('\n')}>
        {next === undefined ? '–' : <Countdown to={next} over="now" />}
      </td>
      <td data-name="Last tick">{schedule.last === undefined ? '–' : <LastTick last={schedule.last} />}</td>
      <td data-name="Publishes" class="mono break">
        {argv.length === 0 ? 'a task without a command' : inertText(joinCommand(argv))}
      </td>
      <td>
        <div class="row-actions">
          <ScheduleActions schedule={schedule} />
        </div>
      </td>
    </tr>
  )
}

function LastTick(props: { last: NonNullable<ScheduleView['last']> }) {
  const { at, task } = props.last
  const text = fullTimeText(at)
  return task === undefined ? (
    <span title="the task before it was still open">{text}, left out</span>
  ) : (
    <a href={`/tasks/${task}`}>{text}</a>
  )
}

function ScheduleActions(props: { schedule: ScheduleView }) {
  const { dashboard, notices } = usePage()
  const [question, setQuestion] = useState<Question>()
  const { name, state } = props.schedule
  async function set(verb: 'pause' | 'resume') {
    try {
      await dashboard.transport.setSchedule(name, verb)
      await dashboard.schedules.load()
    } catch (thrown) {
      notices.failed(`The schedule was not ${verb}d`, thrown)
    }
  }
  function askToRemove() {
    setQuestion({
      title: `Remove the schedule ${name}?`,
      text: <p>No tick will come any more. Tasks that it has published stay.</p>,
      verb: 'Remove schedule',
      harms: true,
      async act() {
        await dashboard.transport.removeSchedule(name)
        await dashboard.schedules.load()
        notices.done(`Removed the schedule ${name}`)
      },
    })
  }
  return (
    <>
      {state === 'active' && (
        <button type="button" class="quiet" onClick={() => void set('pause')}>
          Pause
        </button>
      )}
      {state === 'paused' && (
        <button type="button" class="quiet" onClick={() => void set('resume')}>
          Resume
        </button>
      )}
      <button type="button" class="quiet harms" onClick={askToRemove}>
        Remove
      </button>
      {question && <Confirm question={question} onClose={() => setQuestion(undefined)} />}
    </>
  )
}

function whenText({ cron, timezone, everyMs, at }: ScheduleView): string {
  if (cron !== undefined) return `${cron}${timezone === undefined ? '' : ` (${timezone})`}`
  if (everyMs !== undefined) return `every ${durationText(everyMs)}`
  return at === undefined ? '' : fullTimeText(at)
}
