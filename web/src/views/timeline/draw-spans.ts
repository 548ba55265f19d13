// Paints spans on a canvas: only what is in sight, and where many share a pixel, one of them. State is colour and mark: what
// failed has a notch, what was lost or cancelled is hollow.
import { type Sight, type TimelineLayout, firstAfter } from '../../models/timeline/layout.ts'
import type { Span } from '../../models/timeline/span.ts'

const BARS = [
  { top: 1, height: 15 },
  { top: 9, height: 7 },
  { top: 12, height: 4 },
] as const
const LABEL_FROM_PX = 46
/** Narrower ones of one state that stand close are drawn as one. */
const NARROW_PX = 3
export const AXIS_PX = 20

export type Paints = Record<'ink' | 'soft' | 'line' | 'surface' | 'running' | 'succeeded' | 'failed' | 'lost' | 'cancelled', string>

/** Reads the colours of the theme, as the canvas needs them. */
export function readPaints(element: Element): Paints {
  const style = getComputedStyle(element)
  const probe = document.createElement('span')
  element.append(probe)
  const colour = (name: string) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color || style.color
  }
  const paints = {
    ink: colour('--ink'),
    soft: colour('--ink-soft'),
    line: colour('--line'),
    surface: colour('--surface'),
    running: colour('--sky'),
    succeeded: colour('--good'),
    failed: colour('--bad'),
    lost: colour('--warn'),
    cancelled: colour('--ink-soft'),
  }
  probe.remove()
  return paints
}

type Frame = {
  context: CanvasRenderingContext2D
  layout: TimelineLayout
  sight: Sight
  width: number
  top: number
  height: number
  paints: Paints
  now: number
}

/** `top`: how far the rows are scrolled; sizes in CSS pixels. */
export function drawSpans(frame: Frame): void {
  const { context, layout, sight, width, top, height, paints } = frame
  context.clearRect(0, 0, width, height)
  drawAxis(frame)
  const perMs = width / Math.max(1, sight.to - sight.from)
  context.save()
  context.beginPath()
  context.rect(0, AXIS_PX, width, height - AXIS_PX)
  context.clip()
  context.fillStyle = paints.line
  for (const row of layout.rows) context.fillRect(0, AXIS_PX + row.top + row.height + 2 - top, width, 1)
  for (const lane of layout.lanes) {
    const y = AXIS_PX + lane.top - top
    if (y > height || y + 18 < AXIS_PX) continue
    const bar = BARS[lane.level] ?? BARS[2]
    let dense: { paint: string; x: number; right: number } | undefined
    const flush = (): void => {
      if (dense === undefined) return
      context.fillStyle = dense.paint
      context.fillRect(dense.x, y + bar.top, Math.max(1, dense.right - dense.x), bar.height)
      dense = undefined
    }
    for (let at = firstAfter(lane.ends, sight.from); at < lane.spans.length; ) {
      const start = lane.starts[at] ?? 0
      if (start >= sight.to) break
      const span = lane.spans[at] as Span
      const x = Math.max(-2, (start - sight.from) * perMs)
      const right = Math.min(width + 2, ((span.end ?? frame.now) - sight.from) * perMs)
      if (right - x < NARROW_PX && lane.level === 0) {
        const paint = paints[span.state]
        if (dense !== undefined && dense.paint === paint && x - dense.right < NARROW_PX / 2) dense.right = Math.max(dense.right, right)
        else {
          flush()
          dense = { paint, x, right }
        }
      } else {
        flush()
        drawBar(frame, span, x, y + bar.top, Math.max(1, right - x - 0.5), bar.height)
      }
      // What ends within the same pixel would be painted over it.
      const pixelEnd = sight.from + (Math.floor(Math.max(x, right)) + 0.999) / perMs
      at = right - x < 1 ? Math.max(at + 1, firstAfter(lane.ends, pixelEnd)) : at + 1
    }
    flush()
  }
  context.restore()
}

function drawBar({ context, paints }: Frame, span: Span, x: number, y: number, width: number, height: number): void {
  const paint = paints[span.state]
  context.fillStyle = paint
  if (span.state === 'lost' || span.state === 'cancelled') {
    if (width > 3) {
      context.strokeStyle = paint
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1)
    } else context.fillRect(x, y, width, height)
    return
  }
  context.globalAlpha = span.level === 0 ? (span.state === 'running' ? 0.55 : 0.8) : 1
  context.fillRect(x, y, width, height)
  context.globalAlpha = 1
  if (span.level > 0) {
    context.fillStyle = paints.surface
    if (width > 3) context.fillRect(x + width - 0.5, y, 1, height)
    return
  }
  if (span.state === 'failed' && width > 6) {
    context.fillStyle = paints.surface
    context.beginPath()
    context.moveTo(x + width, y)
    context.lineTo(x + width - 6, y)
    context.lineTo(x + width, y + 6)
    context.fill()
  }
  if (width < LABEL_FROM_PX) return
  context.fillStyle = paints.surface
  const from = Math.max(2, x)
  context.fillText(span.title.slice(0, Math.floor((x + width - from - 8) / 6)), from + 4, y + 11)
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
]
const LONG_STEPS = [3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000]

function drawAxis({ context, sight, width, height, paints }: Frame): void {
  const length = Math.max(1, sight.to - sight.from)
  const wanted = length / Math.max(2, width / 110)
  const step = [...STEPS, ...LONG_STEPS].find((one) => one >= wanted) ?? 31_536_000_000
  context.font = '11px ui-sans-serif, system-ui, sans-serif'
  const shift = new Date(sight.from).getTimezoneOffset() * 60_000
  for (let time = Math.ceil((sight.from - shift) / step) * step + shift; time < sight.to; time += step) {
    const x = Math.round(((time - sight.from) / length) * width)
    context.fillStyle = paints.line
    context.fillRect(x, AXIS_PX - 4, 1, height)
    context.fillStyle = paints.soft
    context.fillText(tickText(time, step), x + 3, 12)
  }
}

function tickText(time: number, step: number): string {
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`
  if (step >= 86_400_000) return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  if (step >= 60_000) return clock
  return step >= 1_000
    ? `${clock}:${two(date.getSeconds())}`
    : `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
