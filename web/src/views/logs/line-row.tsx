// One line of output, as a row of one height: its number is the link to it. Text nodes only, whatever the line holds.
import type { WindowLine } from '../../models/logs/log-window.ts'
import { clockText } from '../../models/text/durations.ts'

export function LineRow(props: { number: number; line: WindowLine | undefined; href: string; isTarget: boolean }) {
  const { number, line } = props
  return (
    <div
      class={`line line-${line?.stream ?? 'stdout'} ${props.isTarget ? 'line-target' : ''}`}
      {...(line && { title: clockText(line.time) })}
      {...(props.isTarget && { 'aria-current': 'true' as const })}
    >
      <a class="gutter" href={props.href} aria-label={`Line ${number}`}>
        {number}
      </a>
      <LineText line={line} find="" />
    </div>
  )
}

export function LineText(props: { line: Pick<WindowLine, 'text' | 'size' | 'stream'> | undefined; find: string }) {
  const { line, find } = props
  // What is still on its way keeps its height.
  if (line === undefined) return <span class="line-text muted">…</span>
  const cut = line.size - new TextEncoder().encode(line.text).length
  return (
    <span class="line-text">
      {line.stream !== 'stdout' && <span class="off-screen">{line.stream}: </span>}
      {find === '' ? line.text || '\u200b' : <Marked text={line.text} find={find} />}
      {line.size > CUT_FROM && cut > 0 && <span class="muted"> … {line.size.toLocaleString('en')} bytes, the download has them all</span>}
    </span>
  )
}

/** Lines come cut at this many bytes. */
const CUT_FROM = 4 * 1024

function Marked(props: { text: string; find: string }) {
  const { text, find } = props
  const parts = []
  const lower = text.toLowerCase()
  const wanted = find.toLowerCase()
  // A few letters change their length with their case: then the places would be wrong, and nothing is marked.
  if (lower.length !== text.length) return <>{text}</>
  let from = 0
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark>{text.slice(at, at + find.length)}</mark>)
    from = at + find.length
  }
  return (
    <>
      {parts}
      {text.slice(from)}
    </>
  )
}
