// Rows of one height, of which only those in sight are in the page: a million cost what thirty do. It follows its end until a
// person scrolls up.
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Icon } from './icons.tsx'

const ROW_PX = 20
/** Browsers draw no taller element than about twice this; beyond it the scroll bar speaks in shares. */
const HEIGHT_PX_MAX = 12_000_000
/** Where nothing is laid out yet. */
const ROWS_GUESS = 40
/** Within this of the end counts as being at the end. */
const AT_END_PX = ROW_PX
/** Rows beside those in sight, so that a small scroll shows no gap. */
const BESIDE = 6

type Props = {
  count: number
  label: string
  /** The row at an index from 0. */
  row: (index: number) => ComponentChildren
  onSight?: (first: number, last: number) => void
  /** Brought into sight when it changes. */
  target?: number | undefined
  follows: boolean
  /** What the button that goes to the end says. */
  endText: string
  children?: ComponentChildren
}

export function RowViewport(props: Props) {
  const { count, target } = props
  const box = useRef<HTMLDivElement>(null)
  const [sight, setSight] = useState({ top: 0, height: ROWS_GUESS * ROW_PX })
  const [following, setFollowing] = useState(props.follows && target === undefined)
  const whole = count * ROW_PX
  const drawn = Math.min(whole, HEIGHT_PX_MAX)
  const room = Math.max(1, drawn - sight.height)
  const scale = whole > drawn ? (whole - sight.height) / room : 1
  const top = Math.min(sight.top, room) * scale
  const first = Math.max(0, Math.floor(top / ROW_PX) - BESIDE)
  const last = Math.min(count - 1, Math.ceil((top + sight.height) / ROW_PX) + BESIDE)

  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight
    read()
  }, [count, following])
  useLayoutEffect(() => {
    if (target === undefined || count === 0 || box.current === null) return
    setFollowing(false)
    box.current.scrollTop = Math.max(0, target * ROW_PX - sight.height / 3) / scale
    read()
  }, [target, count === 0])
  useLayoutEffect(() => {
    if (count > 0) props.onSight?.(first, last)
  }, [first, last, count])

  function read(): void {
    const element = box.current
    if (element === null) return
    const height = element.clientHeight || ROWS_GUESS * ROW_PX
    setSight((known) => (known.top === element.scrollTop && known.height === height ? known : { top: element.scrollTop, height }))
  }
  function scrolled(): void {
    const element = box.current
    if (element) setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight <= AT_END_PX)
    read()
  }

  return (
    <>
      <div class="lines numbered" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={props.label}>
        <div class="lines-whole" style={{ blockSize: `${drawn}px` }}>
          <div class="lines-seen" style={{ transform: `translateY(${first * ROW_PX - top}px)` }}>
            {Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => props.row(first + at))}
          </div>
        </div>
        {count === 0 && props.children}
      </div>
      {!following && count * ROW_PX > sight.height && (
        <button type="button" class="to-end" onClick={() => setFollowing(true)}>
          <Icon name="down" /> {props.endText}
        </button>
      )}
    </>
  )
}
