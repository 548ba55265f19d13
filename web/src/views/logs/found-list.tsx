// Lines of one output or several by time, with a text in them or all: whose they are, their number as the link to them.
import { useEffect, useMemo } from 'preact/hooks'
import { type FoundLines, type Outputs, type ShownLine, createFoundLines } from '../../models/logs/found-lines.ts'
import { clockText, durationText, fullTimeText } from '../../models/text/durations.ts'
import { ProblemNote } from '../../parts/notes.tsx'
import { RowViewport } from '../../parts/row-viewport.tsx'
import { LineText } from './line-row.tsx'

/** Reads for as long as the view stands. Another `key` begins anew, another `outputs` goes on with what is here. */
export function useFoundLines(key: string, outputs: Outputs | undefined, asked: string): FoundLines {
  const found = useMemo(createFoundLines, [key])
  useEffect(() => {
    if (outputs !== undefined) found.read(outputs)
  }, [found, asked])
  useEffect(() => found.stop, [found])
  return found
}

export type FoundListProps = {
  found: FoundLines
  find: string
  label: string
  follows: boolean
  /** Of a line's own page. */
  href: (line: ShownLine) => string
  /** Who wrote it; absent where there is only one output. */
  from?: (line: ShownLine) => { name: string; title: string }
  empty: string
}

export function FoundList(props: FoundListProps) {
  const { found, find } = props
  const lines = found.lines.value
  return (
    <section class="output" aria-label={props.label}>
      <p class="log-standing muted" role="status">
        {standingText(found, find)}
      </p>
      {found.error.value && <ProblemNote error={found.error.value} what="The lines could not be read." />}
      {[...found.faults.value].map(([task, text]) => (
        <p key={task} class="muted">
          {text}
        </p>
      ))}
      <RowViewport
        count={lines.length}
        label={props.label}
        follows={props.follows}
        endText="To the end"
        row={(index) => {
          const line = lines[index]
          return line && <Row key={line.key} line={line} {...props} />
        }}
      >
        <p class="omitted">{found.state.value === 'reading' ? 'Looking …' : props.empty}</p>
      </RowViewport>
    </section>
  )
}

function Row(props: FoundListProps & { line: ShownLine }) {
  const { line, from, find } = props
  const owner = from?.(line)
  return (
    <div class={`line found line-${line.stream} ${line.gap ? 'line-gap' : ''} ${find !== '' && !line.hit ? 'line-beside' : ''}`}>
      <time class="gutter" dateTime={new Date(line.time).toISOString()} title={fullTimeText(line.time)}>
        {clockText(line.time)}
      </time>
      {owner && (
        <a class="line-from" href={`/tasks/${line.task}`} title={owner.title}>
          {owner.name}
        </a>
      )}
      <a class="gutter" href={props.href(line)} aria-label={`Line ${line.line}`}>
        {line.line}
      </a>
      <LineText line={line} find={line.hit === true ? find : ''} />
    </div>
  )
}

function standingText(found: FoundLines, find: string): string {
  const read = [...found.reached.value.values()]
  const lines = read.reduce((sum, one) => sum + one.lines, 0)
  const first = found.firstMs.value
  const cut = read.some(({ next }) => next !== null)
  const state = found.state.value
  const dropped = found.dropped.value
  return [
    find !== '' &&
      `${found.hits.value.toLocaleString('en')}${cut ? ' first' : ''} ${found.hits.value === 1 ? 'hit' : 'hits'} in ${lines.toLocaleString('en')} lines`,
    find !== '' && first !== undefined && `the first after ${durationText(first)}`,
    find === '' && `${found.lines.value.length.toLocaleString('en')} lines`,
    dropped > 0 && `${dropped.toLocaleString('en')} earlier ones are no longer held here`,
    state === 'live' && 'live',
    state === 'reconnecting' && 'connection lost, trying again',
  ]
    .filter(Boolean)
    .join(', ')
}
