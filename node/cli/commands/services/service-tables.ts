// Services as a person reads them.
import type { ServiceView } from '../../../../protocols/http/services.ts'
import type { Cli } from '../../context.ts'
import type { Cell, Tone } from '../../table.ts'
import { renderFacts, renderTable } from '../../table.ts'

const TONES: Record<ServiceView['state'], Tone> = {
  pending: 'busy',
  preparing: 'busy',
  starting: 'busy',
  running: 'good',
  updating: 'busy',
  waiting: 'bad',
  'crash-loop': 'bad',
  draining: 'busy',
  stopping: 'busy',
  stopped: 'dim',
  ended: 'dim',
}

export function renderServices(cli: Cli, items: readonly ServiceView[]): string {
  const columns = [
    { title: 'SERVICE' },
    { title: 'STATE' },
    { title: 'ADDRESS' },
    { title: 'WORKER' },
    { title: 'REVISION', right: true },
    { title: 'RESTARTS', right: true },
    { title: 'REASON', gives: true },
  ]
  return renderTable(
    cli.io,
    columns,
    items.map((item) => [
      item.name,
      stateCell(item),
      item.address ?? '-',
      item.workerName ?? '-',
      revisionText(item),
      String(item.restarts),
      item.reason ?? (item.failed === undefined ? '' : `revision ${item.failed.revision}: ${item.failed.reason}`),
    ]),
  )
}

/** @param age how long ago a time was, as text */
export function renderService(cli: Cli, item: ServiceView, age: (ms: number) => string): string {
  const { failed, spec } = item
  const facts: [string, Cell | undefined][] = [
    ['service', item.name],
    ['state', stateCell(item)],
    ['since', item.since === undefined ? undefined : age(item.since)],
    ['address', item.address],
    ['worker', item.workerName],
    ['revision', revisionText(item)],
    ['command', spec.argv.length > 0 ? spec.argv.join(' ') : 'as nimbus.yaml says'],
    ['repository', spec['repo'] as string | undefined],
    ['restarts', String(item.restarts)],
    ['reason', item.reason],
    [
      'not taken',
      failed === undefined ? undefined : { text: `revision ${failed.revision}, ${age(failed.at)} ago: ${failed.reason}`, tone: 'bad' },
    ],
    ['by', `${item.authorName}, ${age(item.changedAt)} ago`],
    ['task', item.task],
    ...item.revisions.map(({ revision, argv, repo, ref }, index): [string, Cell] => [
      index === 0 ? 'revisions' : '',
      `${revision}${revision === item.live ? ' (live)' : ''} ${argv.join(' ')}${repo === undefined ? '' : ` in ${repo}${ref === undefined ? '' : ` ${ref}`}`}`,
    ]),
  ]
  return renderFacts(cli.io, facts)
}

function stateCell({ state }: ServiceView): Cell {
  return { text: state, tone: TONES[state] }
}

function revisionText({ revision, live }: ServiceView): string {
  return live === undefined || live === revision ? String(revision) : `${live}, wanted ${revision}`
}
