// The picture of a timeline: drag to pan, Ctrl and wheel or keys to zoom, a click opens what is there. The strip below shows
// all of it; a brush over it chooses what is in sight. A frame is drawn only when something changed.
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { type Sight, type TimelineLayout, pan, spanAt, zoom } from '../../models/timeline/layout.ts'
import type { Span } from '../../models/timeline/span.ts'
import { durationText } from '../../models/text/durations.ts'
import { AXIS_PX, type Paints, drawSpans, readPaints } from './draw-spans.ts'

const STRIP_PX = 34
/** A press that moved less is a click. */
const CLICK_PX = 4
const ZOOM_STEP = 0.7

type Props = { layout: TimelineLayout; sight: Sight; choose: (sight: Sight) => void; open: (span: Span) => void }

export function TimelineCanvas(props: Props) {
  const chart = useRef<HTMLCanvasElement>(null)
  const strip = useRef<HTMLCanvasElement>(null)
  const tip = useRef<HTMLParagraphElement>(null)
  const latest = useRef(props)
  latest.current = props
  const painter = useMemo(
    () => createPainter(() => ({ chart: chart.current, strip: strip.current, tip: tip.current, ...latest.current })),
    [],
  )
  useEffect(() => painter.start(), [painter])
  useEffect(() => painter.follow(props.sight), [props.layout, props.sight.from, props.sight.to])
  const height = AXIS_PX + props.layout.height + 8
  return (
    <div class="timeline">
      <div class="timeline-chart">
        <canvas
          ref={chart}
          style={{ blockSize: `${height}px` }}
          tabIndex={0}
          role="img"
          aria-label="Spans over time; the table below says the same. Arrows pan, plus and minus zoom."
          onKeyDown={painter.key}
          onPointerDown={painter.press}
          onPointerMove={painter.move}
          onPointerUp={painter.release}
          onPointerLeave={painter.leave}
        />
        <p class="timeline-tip" ref={tip} hidden />
      </div>
      <canvas
        ref={strip}
        class="timeline-strip"
        style={{ blockSize: `${STRIP_PX}px` }}
        aria-hidden="true"
        onPointerDown={painter.brush}
        onPointerMove={painter.brush}
        onPointerUp={painter.brushed}
      />
    </div>
  )
}

type Parts = Props & { chart: HTMLCanvasElement | null; strip: HTMLCanvasElement | null; tip: HTMLElement | null }

/** Keeps what is in sight by itself while a hand moves it, and tells the page when the hand rests. */
function createPainter(parts: () => Parts) {
  let sight: Sight = parts().sight
  let paints: Paints | undefined
  let frame = 0
  let told: ReturnType<typeof setTimeout> | undefined
  let pressed: { x: number; y: number; moved: number } | undefined
  let brushFrom: number | undefined

  function soon(): void {
    frame ||= requestAnimationFrame(draw)
  }
  function draw(): void {
    frame = 0
    const { chart, strip, layout } = parts()
    if (chart === null || strip === null) return
    paints ??= readPaints(chart)
    const now = layout.to
    const { context, width, height } = prepare(chart) ?? {}
    if (context && width && height) drawSpans({ context, layout, sight, width, top: 0, height, paints, now })
    drawStrip(strip, layout, sight, paints)
  }
  /** The address and the table follow when it rests. */
  function look(next: Sight): void {
    sight = next
    soon()
    clearTimeout(told)
    told = setTimeout(() => parts().choose(sight), 200)
  }
  const timeAt = (canvas: HTMLElement, x: number, of: Sight) => of.from + (x / Math.max(1, canvas.clientWidth)) * (of.to - of.from)
  const length = () => sight.to - sight.from

  function wheel(event: WheelEvent): void {
    const { chart } = parts()
    if (chart === null || !(event.ctrlKey || event.metaKey || event.shiftKey)) return
    event.preventDefault()
    if (event.shiftKey) look(pan(sight, ((event.deltaY || event.deltaX) / chart.clientWidth) * length()))
    else look(zoom(sight, timeAt(chart, event.offsetX, sight), event.deltaY > 0 ? 1 / ZOOM_STEP : ZOOM_STEP))
  }
  function hover(event: PointerEvent): void {
    const { chart, tip, layout } = parts()
    if (chart === null || tip === null) return
    const span = spanUnder(event)
    tip.hidden = span === undefined
    if (span === undefined) return
    tip.textContent = `${span.title}, ${span.kind}, ${span.state}, ${durationText((span.end ?? layout.to) - span.start)}`
    tip.style.transform = `translate(${Math.min(event.offsetX + 12, chart.clientWidth - 240)}px, ${event.offsetY + 14}px)`
  }
  function spanUnder(event: PointerEvent): Span | undefined {
    const { chart, layout } = parts()
    if (chart === null) return undefined
    return spanAt(layout, timeAt(chart, event.offsetX, sight), event.offsetY - AXIS_PX, (3 / chart.clientWidth) * length())
  }

  return {
    start() {
      const { chart } = parts()
      const repaint = () => {
        paints = undefined
        soon()
      }
      const dark = matchMedia('(prefers-color-scheme: dark)')
      const themes = new MutationObserver(repaint)
      const sizes = typeof ResizeObserver === 'undefined' ? undefined : new ResizeObserver(soon)
      themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
      dark.addEventListener('change', repaint)
      // Not passive: a zoom must not scroll the page too.
      chart?.addEventListener('wheel', wheel, { passive: false })
      if (chart) sizes?.observe(chart)
      soon()
      return () => {
        themes.disconnect()
        sizes?.disconnect()
        dark.removeEventListener('change', repaint)
        chart?.removeEventListener('wheel', wheel)
        cancelAnimationFrame(frame)
        clearTimeout(told)
      }
    },
    follow(next: Sight) {
      if (pressed === undefined) sight = next
      soon()
    },
    key(event: KeyboardEvent) {
      const steps: Record<string, () => Sight> = {
        ArrowLeft: () => pan(sight, -0.15 * length()),
        ArrowRight: () => pan(sight, 0.15 * length()),
        '+': () => zoom(sight, (sight.from + sight.to) / 2, ZOOM_STEP),
        '-': () => zoom(sight, (sight.from + sight.to) / 2, 1 / ZOOM_STEP),
      }
      const step = event.ctrlKey || event.metaKey || event.altKey ? undefined : steps[event.key]
      if (step === undefined) return
      event.preventDefault()
      look(step())
    },
    press(event: PointerEvent) {
      pressed = { x: event.offsetX, y: event.offsetY, moved: 0 }
      parts().chart?.setPointerCapture(event.pointerId)
    },
    move(event: PointerEvent) {
      const { chart, tip } = parts()
      if (pressed === undefined || chart === null) return hover(event)
      const by = event.offsetX - pressed.x
      pressed = { ...pressed, x: event.offsetX, moved: pressed.moved + Math.abs(by) }
      if (tip) tip.hidden = true
      look(pan(sight, (-by / chart.clientWidth) * length()))
    },
    release(event: PointerEvent) {
      const click = pressed !== undefined && pressed.moved < CLICK_PX
      pressed = undefined
      const span = click ? spanUnder(event) : undefined
      if (span !== undefined) parts().open(span)
    },
    leave() {
      const { tip } = parts()
      if (tip) tip.hidden = true
    },
    brush(event: PointerEvent) {
      const { strip, layout } = parts()
      if (strip === null || event.buttons === 0) return
      const time = timeAt(strip, event.offsetX, layout)
      if (event.type === 'pointerdown') {
        strip.setPointerCapture(event.pointerId)
        brushFrom = time
      }
      const from = Math.min(brushFrom ?? time, time)
      const to = Math.max(brushFrom ?? time, time)
      if (to - from > 50) look({ from, to })
    },
    brushed() {
      brushFrom = undefined
    },
  }
}

/** Sized for the screen's own pixels. */
function prepare(canvas: HTMLCanvasElement) {
  const context = canvas.getContext('2d')
  const { clientWidth: width, clientHeight: height } = canvas
  if (context === null || width === 0) return undefined
  const ratio = devicePixelRatio
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  return { context, width, height }
}

/** How much began when, and the part that is in sight. Counted once for a layout and a width. */
const counted = new WeakMap<TimelineLayout, { width: number; bars: Uint32Array; most: number }>()

function drawStrip(strip: HTMLCanvasElement, layout: TimelineLayout, sight: Sight, paints: Paints): void {
  const { context, width, height } = prepare(strip) ?? {}
  if (!context || !width || !height) return
  const length = Math.max(1, layout.to - layout.from)
  let count = counted.get(layout)
  if (count === undefined || count.width !== width) {
    const bars = new Uint32Array(Math.ceil(width / 3) + 1)
    for (const lane of layout.lanes)
      for (const start of lane.starts) {
        const at = Math.floor((((start - layout.from) / length) * width) / 3)
        bars[at] = (bars[at] ?? 0) + 1
      }
    count = { width, bars, most: bars.reduce((most, one) => Math.max(most, one), 1) }
    counted.set(layout, count)
  }
  context.clearRect(0, 0, width, height)
  context.fillStyle = paints.soft
  count.bars.forEach((amount, at) => {
    const tall = amount === 0 ? 0 : 2 + (amount / (count?.most ?? 1)) * (height - 4)
    context.fillRect(at * 3, height - tall, 2, tall)
  })
  const x = ((sight.from - layout.from) / length) * width
  const wide = Math.max(3, ((sight.to - sight.from) / length) * width)
  context.globalAlpha = 0.25
  context.fillStyle = paints.running
  context.fillRect(x, 0, wide, height)
  context.globalAlpha = 1
  context.strokeStyle = paints.running
  context.strokeRect(x + 0.5, 0.5, wide - 1, height - 1)
}
