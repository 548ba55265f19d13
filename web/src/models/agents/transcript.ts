// What a session said and did, while it goes on: read from the node, made inert, bounded. Read anew after a loss.
import { type ReadonlySignal, batch, signal } from '@preact/signals'
import type { SessionMessage } from '../../../../protocols/http/sessions.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { inertLines, inertText } from '../text/inert-text.ts'

/** The page keeps the newest ones. */
export const TRANSCRIPT_MAX = 1_000
const PAINT_EVERY_MS = 60
const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 8_000

type Entry = { key: string; kind: string; head: string; text: string; time: number; bad: boolean }
type Transcript = {
  entries: ReadonlySignal<readonly Entry[]>
  /** How many earlier ones are not held here any more. */
  dropped: ReadonlySignal<number>
  state: ReadonlySignal<'reading' | 'reconnecting' | 'ended'>
  error: ReadonlySignal<ApiError | undefined>
  stop(): void
}

export function createTranscript(read: (signal: AbortSignal) => AsyncIterable<SessionMessage>): Transcript {
  const entries = signal<readonly Entry[]>([])
  const dropped = signal(0)
  const state = signal<'reading' | 'reconnecting' | 'ended'>('reading')
  const error = signal<ApiError | undefined>(undefined)
  const gone = new AbortController()
  let retry: ReturnType<typeof setTimeout> | undefined
  let failures = 0

  async function readAll(): Promise<void> {
    const held: Entry[] = []
    let left = 0
    let paint: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      paint = undefined
      if (gone.signal.aborted) return
      failures = 0
      batch(() => {
        entries.value = [...held]
        dropped.value = left
        state.value = 'reading'
      })
    }
    try {
      for await (const message of read(gone.signal)) {
        const entry = entryOf(message)
        if (entry === undefined) continue
        held.push(entry)
        if (held.length > TRANSCRIPT_MAX) {
          held.shift()
          left += 1
        }
        paint ??= setTimeout(show, PAINT_EVERY_MS)
      }
    } finally {
      clearTimeout(paint)
      if (held.length > 0) show()
    }
  }

  function run(): void {
    readAll().then(
      () => {
        if (!gone.signal.aborted) state.value = 'ended'
      },
      (thrown: unknown) => {
        if (gone.signal.aborted) return
        const failed = asApiError(thrown)
        if (failed.status >= 400 && failed.status < 500 && failed.status !== 429) {
          error.value = failed
          state.value = 'ended'
          return
        }
        state.value = 'reconnecting'
        retry = setTimeout(run, Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** failures))
        failures += 1
      },
    )
  }

  run()
  return {
    entries,
    dropped,
    state,
    error,
    stop() {
      gone.abort()
      clearTimeout(retry)
    },
  }
}

/** One event as words; undefined for what only programs read. Nothing in an event is trusted to be what it should. */
function entryOf({ task, epoch, at, event }: SessionMessage): Entry | undefined {
  const told = tell(event)
  return told === undefined ? undefined : { key: `${task} ${epoch} ${at}`, kind: event.type, bad: false, time: event.time, ...told }
}

function tell(event: SessionMessage['event']): (Pick<Entry, 'head' | 'text'> & { bad?: boolean }) | undefined {
  const word = (name: string) => (typeof event[name] === 'string' ? inertText(event[name]) : '')
  const text = (name: string) => (typeof event[name] === 'string' ? inertLines(event[name]) : '') + cutText(event['cut'])
  const reason = () => {
    const given = event['reason']
    return typeof given === 'object' && given !== null && 'message' in given ? inertText(String(given.message)) : ''
  }
  switch (event.type) {
    case 'usage':
      return undefined
    case 'taken':
      return word('error') === '' ? undefined : { head: 'An order was refused', text: word('error'), bad: true }
    case 'ready':
      return { head: 'The agent runs', text: [word('model'), word('version')].filter(Boolean).join(', ') }
    case 'prompt':
      return { head: 'Prompt', text: text('text') }
    case 'message':
      return { head: 'Agent', text: text('text') }
    case 'tool':
      return { head: `Uses ${word('tool')}`, text: text('input') }
    case 'tool-result':
      return { head: event['ok'] === true ? 'Result' : 'It failed', text: text('text'), bad: event['ok'] !== true }
    case 'turn':
      return { head: `Turn over: ${word('result')}`, text: reason(), bad: word('result') === 'error' }
    case 'ask':
      return { head: `Asks to use ${word('tool')}`, text: text('input') }
    case 'decided':
      return { head: `${event['allow'] === true ? 'Allowed' : 'Refused'} by ${word('by')}`, text: word('note') }
    case 'limited':
      return { head: 'The account may not go on now', text: word('message'), bad: true }
    case 'refused':
      return { head: `May not reach ${word('host')}`, text: '', bad: true }
    case 'silent':
      return { head: 'Nothing heard although work is open', text: '', bad: true }
    case 'end':
      return { head: `The session is ${word('state')}`, text: reason(), bad: word('state') === 'failed' }
    default:
      return { head: inertText(event.type), text: text('text') }
  }
}

function cutText(cut: unknown): string {
  return typeof cut === 'number' && cut > 0 ? `\n… ${cut.toLocaleString('en')} more characters were left out` : ''
}
