// Terminals at a real node: which tasks are terminals, where they are, and the way there: this node's own desk, or a call to the worker's.
import type { CallAnswer, CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { TerminalView } from '../../../protocols/terminals/views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { isTaskId } from '../../../protocols/ids.ts'
import type { TerminalsPort } from '../../api/routes/terminals/terminals-port.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { Work } from '../../tasks/execution.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { stateName } from '../../tasks/fold/transitions.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createTerminalDesk } from '../../terminals/terminal-desk.ts'
import type { TerminalPlace } from '../../terminals/terminal-link.ts'
import { createTerminalLink } from '../../terminals/terminal-link.ts'
import type { TerminalWork, TerminalWorkComponents } from '../../terminals/terminal-work.ts'
import { createTerminalWork } from '../../terminals/terminal-work.ts'

const CLIENT_BYTES = 16
/** Of those that have not ended; more are found by their ID. */
const LISTED_MAX = 500
/** A terminal may be silent for long; a worker that is gone ends the call by itself. */
const SILENCE_MS = 24 * 3_600_000
const SAY_MS = 10_000

type TerminalCall = Extract<CallRequest, { op: 'terminal-attach' | 'terminal-say' }>
export type Terminals = {
  port: TerminalsPort
  /** The same work, but for terminals, which have their own. */
  around(work: Work): Work
  note: TerminalWork['note']
  sweep: TerminalWork['sweep']
  answer(from: PeerId, request: TerminalCall, signal: AbortSignal): AsyncIterable<CallAnswer>
}

export type TerminalsComponents = Omit<TerminalWorkComponents, 'stateOf'> & {
  random: Random
  engine(): Pick<Engine, 'fold' | 'newestTasks' | 'states'>
  fleet(): Pick<Fleet, 'nameOf'>
  mayWrite(peer: PeerId): boolean
  call(peer: PeerId, request: CallRequest, options: { signal?: AbortSignal; timeoutMs: number }): AsyncIterable<Uint8Array>
}

export function createTerminals(components: TerminalsComponents): Terminals {
  const { self, clock, random, engine, fleet, mayWrite, call } = components
  const work = createTerminalWork({ ...components, stateOf: (id) => engine().fold.task(id) })
  const desk = createTerminalDesk({ folderOf: work.folderOf, nameOf: (peer) => fleet().nameOf(peer), mayWrite })
  const known = (id: string): TaskState | undefined => {
    const state = isTaskId(id) ? engine().fold.task(id) : undefined
    return state?.task?.spec.kind === 'terminal' ? state : undefined
  }
  const viewOf = (state: TaskState): TerminalView =>
    terminalView(state, stateName(state, engine().states()), (peer) => fleet().nameOf(peer))
  const needed = (id: string): TaskState => {
    const state = known(id)
    if (state !== undefined) return state
    throw new NimbusError('terminal-unknown', `There is no terminal ${id.slice(0, 64)}.`, {
      kind: 'missing',
      cure: 'nimbus terminal ls lists them.',
    })
  }
  const idOf = (): string => Buffer.from(random.bytes(CLIENT_BYTES)).toString('hex')

  return {
    port: {
      list() {
        const items: TerminalView[] = []
        for (const id of engine().newestTasks()) {
          const state = known(id)
          if (state === undefined || state.value.state === 'settled') continue
          items.push(viewOf(state))
          if (items.length === LISTED_MAX) break
        }
        return items
      },
      find(id) {
        const state = known(id)
        return state === undefined ? undefined : viewOf(state)
      },
      link(id, { client = idOf(), who, mode, history }) {
        const task = needed(id).id
        const way = {
          clock,
          placeOf: () => placeOf(needed(id)),
          attach: (worker: PeerId, request: Parameters<typeof desk.attach>[2], signal: AbortSignal) =>
            worker === self
              ? desk.attach(self, task, request, signal)
              : bytesOf(call(worker, { op: 'terminal-attach', task, attach: request }, { signal, timeoutMs: SILENCE_MS })),
          async say(worker: PeerId, who: string, n: number, say: Parameters<typeof desk.say>[3]) {
            if (worker === self) return desk.say(self, { task, client: who }, n, say)
            for await (const _done of bytesOf(call(worker, { op: 'terminal-say', task, client: who, n, say }, { timeoutMs: SAY_MS })));
          },
        }
        return createTerminalLink(way, task, { client, link: idOf(), who, mode, history })
      },
    },
    around: (others) => ({
      start: (order) => (order.spec.kind === 'terminal' ? work : others).start(order),
      stop: (task, epoch, reason) => (work.has(task, epoch) ? work : others).stop(task, epoch, reason),
    }),
    note: work.note,
    sweep: work.sweep,
    async *answer(from, request, signal) {
      if (request.op === 'terminal-attach')
        for await (const bytes of desk.attach(from, request.task, request.attach, signal)) yield { t: 'bytes', bytes }
      else desk.say(from, request, request.n, request.say)
      yield { t: 'done' }
    },
  }
}

function placeOf({ task, value }: TaskState): TerminalPlace {
  const worker = task?.spec.worker as PeerId
  if (value.state !== 'settled') return { worker }
  const { exitCode, signal, error } = value.outcome ?? {}
  return {
    worker,
    ended: {
      t: 'exit',
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(signal === undefined ? {} : { signal: signal.slice(0, 32) }),
      reason: (error ?? `It ${value.end}.`).slice(0, 1000),
    },
  }
}

function terminalView(
  { id, task, value: _value }: TaskState,
  state: TerminalView['state'],
  nameOf: (peer: PeerId) => string,
): TerminalView {
  const worker = task?.spec.worker as PeerId
  return {
    id,
    state,
    argv: task?.spec.argv ?? [],
    worker,
    workerName: nameOf(worker),
    createdAt: task?.createdAt ?? 0,
    ...(task?.spec.name === undefined ? {} : { name: task.spec.name }),
  }
}

/** The bytes of an answer; its error is thrown as it was meant. */
async function* bytesOf(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) {
    const answer = decodeCallAnswer(frame)
    if (answer?.t === 'done') return
    if (answer?.t === 'error')
      throw new NimbusError(answer.code, answer.message, { kind: answer.kind, ...(answer.cure === undefined ? {} : { cure: answer.cure }) })
    if (answer?.t === 'bytes') yield answer.bytes
  }
}
