// The person's own terminal while it shows another one: raw keys in, filtered output, and always given back as it was.
import type { Io } from '../context.ts'
import { createTtyFilter } from './tty-filter.ts'

/** Everything that a program may have switched on, off again; below what is on the screen. */
const GIVE_BACK =
  '\x1b[?1049l\x1b[r\x1b[?6l\x1b[?7h\x1b[4l\x1b[?1l\x1b>\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1016l\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[0 q\x1b(B\x0f\x1b[0m\x1b[999;1H\r\n'
/** The same, and an empty screen. What the person had above it stays. */
const BEGIN = `${GIVE_BACK.replace(/\x1b\[999;1H\r\n$/, '')}\x1b[2J\x1b[H`
/** Ctrl with these characters. */
const CONTROL_KEYS = /^\^[A-Z[\]\\^_]$/

export type OwnTty = {
  size(): { cols: number; rows: number }
  /** Begins an empty screen. */
  clear(): void
  draw(bytes: Uint8Array): void
  giveBack(): void
}

/** The byte of a key such as `^]`; undefined for what is none. */
export function controlByte(key: string): string | undefined {
  return CONTROL_KEYS.test(key) ? String.fromCharCode(key.charCodeAt(1) & 0x1f) : undefined
}

/** @param leave the character that leaves; it is never typed */
export function takeTty({ stdin, stdout }: Io, leave: string, on: { typed(text: string): void; left(): void; resized(): void }): OwnTty {
  const decoder = new TextDecoder()
  let filter = createTtyFilter()
  // Terminals that report keys in a newer way write this one so.
  const newer = [`\x1b[${leave.charCodeAt(0) + 64};5u`, `\x1b[27;5;${leave.charCodeAt(0) + 64}~`]
  const onData = (bytes: Uint8Array): void => {
    const text = decoder.decode(bytes, { stream: true })
    const at = Math.min(...[leave, ...newer].map((key) => text.indexOf(key)).map((found) => (found < 0 ? Infinity : found)))
    if (at > 0) on.typed(text.slice(0, at))
    if (at < Infinity) on.left()
  }
  let isGiven = false
  const giveBack = (): void => {
    if (isGiven) return
    isGiven = true
    stdin.off('data', onData)
    stdout.off('resize', on.resized)
    process.off('exit', giveBack)
    stdin.setRawMode(false)
    stdin.pause()
    stdout.write(GIVE_BACK)
  }
  stdin.setRawMode(true)
  stdin.on('data', onData).resume()
  stdout.on('resize', on.resized)
  process.on('exit', giveBack)
  return {
    size: () => ({ cols: stdout.columns || 80, rows: stdout.rows || 24 }),
    clear() {
      filter = createTtyFilter()
      stdout.write(BEGIN)
    },
    draw: (bytes) => void stdout.write(filter(bytes)),
    giveBack,
  }
}
