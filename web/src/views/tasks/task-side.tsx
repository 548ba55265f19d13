// What was asked for: the task as its author signed it, fact by fact.
import type { ComponentChildren } from 'preact'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { type ShownSpec, specOf } from '../../models/task-facts.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { durationText, fullTimeText } from '../../models/text/durations.ts'
import { ShortId } from '../../parts/copy.tsx'
import { Chips, Facts } from '../../parts/facts.tsx'

type Fact = readonly [name: string, value: ComponentChildren]

export function TaskSide(props: { task: TaskView }) {
  const { task } = props
  const spec = specOf(task)
  return (
    <section class="card side" aria-label="What was asked for">
      <Facts
        of={[
          ['ID', <ShortId id={task.id} what="the task ID" />],
          ['Priority', <span class="number">{spec.priority ?? 5}</span>],
          ['Attempts', <span class="number">{spec.attempts ?? 1}</span>],
          ...timeFacts(spec, task.createdAt),
          ['Repository', spec.repo && <span class="break">{spec.repo}</span>],
          ['Ref', spec.ref],
          ...needFacts(spec),
          ...limitFacts(spec),
          ...inputFacts(spec),
          ['Retry of', spec.retryOf && <TaskLink id={spec.retryOf} />],
          ['Published by task', spec.parent && <TaskLink id={spec.parent} />],
          ['Keepers', `group ${task.group}`],
        ]}
      />
    </section>
  )
}

function TaskLink(props: { id: string }) {
  return (
    <a class="mono" href={`/tasks/${props.id}`}>
      {props.id.slice(0, 10)}…
    </a>
  )
}

function timeFacts(spec: ShownSpec, createdAt: number): Fact[] {
  const span = (ms: number | undefined) => ms !== undefined && durationText(ms)
  return [
    ['Time limit', span(spec.timeoutMs)],
    ['Claimed within', span(spec.queueTimeoutMs)],
    ['Prepared within', span(spec.startTimeoutMs)],
    ['Silent at most', span(spec.heartbeatTimeoutMs)],
    ['Not before', spec.notBefore !== undefined && spec.notBefore > createdAt && fullTimeText(spec.notBefore)],
    ['Lost after', span(spec.lostAfterMs)],
    ['Schedule', spec.schedule && `${spec.schedule.id}, tick of ${fullTimeText(spec.schedule.at)}`],
  ]
}

function needFacts(spec: ShownSpec): Fact[] {
  const { cpus, memoryMb, diskMb, gpus, freeMemoryMb } = spec.resources ?? {}
  const needs = [
    cpus !== undefined && (cpus === 1 ? 'one core' : `${cpus} cores`),
    memoryMb !== undefined && `${memoryMb} MB memory`,
    freeMemoryMb !== undefined && `${freeMemoryMb} MB free memory`,
    diskMb !== undefined && `${diskMb} MB disk`,
    gpus !== undefined && `${gpus} GPU`,
  ].filter((one) => one !== false)
  return [
    ['Worker', spec.worker],
    ['Pool', spec.pool],
    ['Skills', spec.skills?.length ? <Chips of={spec.skills} kind="skill" /> : undefined],
    ['Roles', spec.roles?.length ? <Chips of={spec.roles} kind="role" /> : undefined],
    ['Labels', spec.labels && <Chips of={pairs(spec.labels)} kind="label" />],
    ['Rather', spec.prefer && <Chips of={pairs(spec.prefer)} kind="label it should rather have" />],
    ['Resources', needs.length > 0 && <Chips of={needs} kind="resource" />],
  ]
}

function limitFacts(spec: ShownSpec): Fact[] {
  const keys = spec.concurrency?.map(({ key, limit }) => `${key}: ${limit} at a time`) ?? []
  const rates = spec.rate?.map(({ key, limit, perMs }) => `${key}: ${limit} in ${durationText(perMs)}`) ?? []
  return [
    ['Limits', keys.length + rates.length > 0 && <Chips of={[...keys, ...rates]} kind="limit" />],
    ['Budget', spec.budgetUsd !== undefined && `$${spec.budgetUsd.toFixed(2)}`],
    ['Claim', spec.claim === 'available' && 'available: may run more than once'],
    ['Only once as', spec.dedupe && <span class="break">{spec.dedupe}</span>],
  ]
}

function inputFacts(spec: ShownSpec): Fact[] {
  return [
    ['Folder', spec.dir && bytesText(spec.dir.size)],
    ['Input', spec.stdin && bytesText(spec.stdin.size)],
    ['Keeps', spec.artifacts?.length ? <Chips of={spec.artifacts} kind="files that it keeps" /> : undefined],
    ['Secrets', spec.secrets?.length ? <Chips of={spec.secrets} kind="secret, by name" /> : undefined],
    [
      'Environment',
      spec.env && (
        <ul class="plain mono break">
          {pairs(spec.env).map((pair) => (
            <li key={pair}>{pair}</li>
          ))}
        </ul>
      ),
    ],
  ]
}

function pairs(of: Record<string, string>): string[] {
  return Object.entries(of).map(([key, value]) => `${key}=${value}`)
}
