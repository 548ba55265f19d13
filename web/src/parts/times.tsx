// Times that move: an age, a running duration, a countdown. The exact time is always in the title.
import { ageText, durationText, fullTimeText } from '../models/text/durations.ts'
import { usePage } from './page-context.ts'

export function Age(props: { time: number; suffix?: boolean }) {
  const { clock } = usePage()
  const text = ageText(clock.now.value - props.time)
  return (
    <time dateTime={new Date(props.time).toISOString()} title={fullTimeText(props.time)}>
      {props.suffix && text !== 'now' ? `${text} ago` : text}
    </time>
  )
}

export function Lasting(props: { from: number; to?: number | undefined }) {
  // What has ended does not move, so it does not listen to the clock either.
  return props.to === undefined ? <Moving from={props.from} /> : <span>{durationText(props.to - props.from)}</span>
}

function Moving(props: { from: number }) {
  const { clock } = usePage()
  const seconds = Math.max(0, Math.floor((clock.now.value - props.from) / 1_000))
  return <span>{seconds < 60 ? `${seconds} s` : durationText(seconds * 1_000)}</span>
}

export function Countdown(props: { to: number; over: string }) {
  const { clock } = usePage()
  const leftMs = props.to - clock.now.value
  return <span class={leftMs < 60_000 ? 'soon' : ''}>{leftMs <= 0 ? props.over : durationText(Math.ceil(leftMs / 1_000) * 1_000)}</span>
}
