// One client's way to a terminal anywhere in the mesh. It finds the worker, attaches there, and attaches anew when the way breaks or the
// worker is started again; what was typed meanwhile arrives afterwards, once.
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { TERMINAL_INPUT_MAX } from '../../protocols/limits.ts'
import type { AttachMode, AttachRequest, TerminalEvent, TerminalSaying } from '../../protocols/terminals/frames.ts'
import { decodeTerminalFrame, encodeTerminalFrame } from '../../protocols/terminals/frames.ts'
import { type Clock, sleep } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'

/** What was said and has not arrived; one more is refused. Typing is joined, so that this is a lot of it. */
const WAITING_MAX = 64
const RETRY_MS = 300
/** A worker may be away for so long. */
const AWAY_MS_MAX = 600_000

export type TerminalLink = {
  /** Frames of the terminal, to be read once. They end with the terminal, a refusal, or the signal. */
  frames(signal: AbortSignal): AsyncGenerator<Uint8Array>
  /** @throws NimbusError `terminal-input-full` where too much has not arrived */
  say(say: TerminalSaying): void
  /** Leaves, so that others may write at once; settles when the worker knows, or the way is broken. */
  bye(): Promise<void>
}

/** Where a terminal is, and whether it has ended. */
export type TerminalPlace = { worker: PeerId; ended?: Extract<TerminalEvent, { t: 'exit' }> }

export type LinkComponents = {
  clock: Clock
  placeOf(): TerminalPlace
  attach(worker: PeerId, request: AttachRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Resolves when the worker has it. */
  say(worker: PeerId, client: string, n: number, say: TerminalSaying): Promise<void>
}

/** `sent`: on the way now. `fixed`: it was once, so that nothing may be added to it. */
type Waiting = { n: number; say: TerminalSaying; sent: boolean; fixed: boolean }

export function createTerminalLink(components: LinkComponents, task: TaskId, first: AttachRequest): TerminalLink {
  const { clock, placeOf } = components
  const waiting: Waiting[] = []
  let lastN = 0
  let worker: PeerId | undefined
  let sending = false
  let mode: AttachMode = first.mode
  let wasAttached = false

  const send = async (): Promise<void> => {
    if (sending) return
    sending = true
    try {
      for (
        let next = waiting.find(({ sent }) => !sent);
        next !== undefined && worker !== undefined;
        next = waiting.find(({ sent }) => !sent)
      ) {
        next.sent = next.fixed = true
        await components.say(worker, first.client, next.n, next.say)
      }
    } catch {
      // The way broke: everything that is not acknowledged goes again when it is back.
    } finally {
      sending = false
    }
  }
  const hear = (event: TerminalEvent): void => {
    if (event.t === 'hello' || event.t === 'writer') mode = event.you ? 'write' : 'read'
    if (event.t === 'ack') while ((waiting[0]?.n ?? Infinity) <= event.n) waiting.shift()
  }
  /** @returns whether this was the last */
  async function* once(at: PeerId, signal: AbortSignal): AsyncGenerator<Uint8Array, boolean> {
    let greeted = false
    for await (const frame of components.attach(at, { ...first, mode }, signal)) {
      const decoded = decodeTerminalFrame(frame)
      if (decoded === undefined) continue // of a version that says more
      if (decoded.t !== 'event') {
        yield frame
        continue
      }
      hear(decoded.event)
      if (decoded.event.t === 'hello') {
        greeted = wasAttached = true
        worker = at
        for (const one of waiting) one.sent = false
        void send()
      }
      if (decoded.event.t === 'ack') continue
      if (isTaken(decoded.event) && !greeted && wasAttached) {
        mode = 'read' // somebody else began to write while the way was broken
        return false
      }
      yield frame
      if (decoded.event.t === 'exit' || (decoded.event.t === 'refused' && !greeted)) return true
    }
    return false
  }
  async function* frames(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let awaySinceMs: number | undefined
    for (;;) {
      const { worker: at, ended } = placeOf()
      if (ended !== undefined) return yield said(ended)
      let reason = 'its worker ended the connection'
      try {
        for (const source = once(at, signal); ; ) {
          const next = await source.next()
          if (next.done === true && next.value) return
          if (next.done === true) break
          awaySinceMs = undefined
          yield next.value
        }
      } catch (error) {
        if (signal.aborted) return
        if (isFinal(error)) return yield said(refusal(error))
        reason = messageOf(error)
      }
      worker = undefined
      if (signal.aborted) return
      if (awaySinceMs === undefined) yield said({ t: 'away', reason })
      awaySinceMs ??= clock.nowMs()
      if (clock.nowMs() - awaySinceMs > AWAY_MS_MAX) return yield said(refusal(stillAway(task)))
      await sleep(clock, RETRY_MS)
    }
  }
  return {
    frames,
    say(say) {
      const last = waiting.at(-1)
      if (
        say.t === 'input' &&
        last?.fixed === false &&
        last.say.t === 'input' &&
        last.say.data.length + say.data.length <= TERMINAL_INPUT_MAX
      )
        last.say = { t: 'input', data: last.say.data + say.data }
      else if (waiting.length < WAITING_MAX) waiting.push({ n: ++lastN, say, sent: false, fixed: false })
      else throw inputFull()
      void send()
    },
    async bye() {
      // What is under way goes first; what cannot go is told by the end of the connection.
      waiting.push({ n: ++lastN, say: { t: 'bye' }, sent: false, fixed: false })
      await send()
    },
  }
}

function isTaken(event: TerminalEvent): boolean {
  return event.t === 'refused' && event.code === 'terminal-has-writer'
}

function isFinal(error: unknown): error is NimbusError {
  return error instanceof NimbusError && error.kind !== 'unreachable' && error.kind !== 'busy'
}

function refusal({ code, message, cure }: NimbusError): TerminalEvent {
  return { t: 'refused', code, message, ...(cure === undefined ? {} : { cure }) }
}

function said(event: TerminalEvent): Uint8Array {
  return encodeTerminalFrame({ t: 'event', event })
}

function inputFull(): NimbusError {
  return new NimbusError('terminal-input-full', 'What was typed before has not arrived yet, so this was not taken.', {
    kind: 'busy',
    cure: 'Wait until the terminal answers.',
  })
}

function stillAway(task: TaskId): NimbusError {
  return new NimbusError('terminal-away', `The worker of terminal ${task} could not be reached for ${AWAY_MS_MAX / 60_000} minutes.`, {
    kind: 'unreachable',
    cure: 'nimbus worker ls shows whether it is alive; attach again when it is.',
  })
}
