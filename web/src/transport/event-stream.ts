// The one event stream of the page: a WebSocket opened with a one-time ticket, reopened after a loss from the last
// cursor, with growing pauses. It says what state it is in; it never pretends to be live.
import type { EventView } from '../../../protocols/http/views.ts'
import { asApiError } from './api-error.ts'
import type { EventListener } from './transport.ts'

const BACKOFF_FIRST_MS = 250
/** A person watches: longer than this feels dead. */
const BACKOFF_MAX_MS = 8_000
/** A stream that lived this long was healthy; its loss starts the pauses anew. */
const HEALTHY_AFTER_MS = 5_000
/** No word for this long: the node is asked whether it still lives, since a browser does not see pings. */
const QUIET_PROBE_MS = 20_000

export type EventStreamOptions = {
  ticket(): Promise<string>
  /** Resolves while the node answers. */
  probe(): Promise<unknown>
  openSocket(path: string): WebSocket
  /** A cursor to begin behind; empty for now. */
  since?: string
}

export function openEventStream(options: EventStreamOptions, listener: EventListener): () => void {
  let closed = false
  let cursor = options.since ?? ''
  let failures = 0
  let liveUntil = Date.now()
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function connect(): Promise<void> {
    try {
      const ticket = await options.ticket()
      if (closed) return
      const since = cursor === '' ? '' : `&since=${encodeURIComponent(cursor)}`
      watch(options.openSocket(`/api/events?ticket=${encodeURIComponent(ticket)}${since}`))
    } catch (thrown) {
      const error = asApiError(thrown)
      if (error.status === 401) listener.signedOut()
      else retryLater(error.message)
    }
  }

  function watch(opened: WebSocket): void {
    socket = opened
    let openedAt = 0
    let quiet: ReturnType<typeof setTimeout> | undefined
    const heard = () => {
      clearTimeout(quiet)
      quiet = setTimeout(() => options.probe().then(heard, () => opened.close()), QUIET_PROBE_MS)
    }
    opened.onopen = () => {
      openedAt = Date.now()
      listener.state({ kind: 'live', since: openedAt })
      heard()
    }
    opened.onmessage = (message) => {
      heard()
      receive(message.data)
    }
    opened.onclose = (event) => {
      clearTimeout(quiet)
      if (closed || socket !== opened) return
      socket = undefined
      if (openedAt > 0) {
        liveUntil = Date.now()
        if (liveUntil - openedAt > HEALTHY_AFTER_MS) failures = 0
      }
      retryLater(event.reason || 'the node closed the stream or is gone')
    }
  }

  function receive(data: unknown): void {
    let event: Partial<EventView>
    try {
      event = JSON.parse(String(data)) as Partial<EventView>
    } catch {
      // A frame that is not JSON tells nothing; what it may have told is fetched again.
      listener.resync()
      return
    }
    if (typeof event.cursor === 'string') cursor = event.cursor
    if (event.type === 'resync') listener.resync()
    else listener.event(event as EventView)
  }

  function retryLater(reason: string): void {
    if (closed) return
    const pauseMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures) * (0.75 + Math.random() / 2)
    failures += 1
    listener.state({ kind: 'reconnecting', since: liveUntil, retryAt: Date.now() + pauseMs, reason })
    timer = setTimeout(() => void connect(), pauseMs)
  }

  listener.state({ kind: 'connecting' })
  void connect()
  return () => {
    closed = true
    clearTimeout(timer)
    socket?.close()
  }
}
