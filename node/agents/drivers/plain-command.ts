// Any command as an agent: each prompt starts it anew in the work tree with the prompt on its standard input; its lines are what it
// says, its exit code is how the turn went. It asks for nothing and counts nothing.
import type { AgentReason } from '../../../protocols/agents/agent-events.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { AgentDriver, AgentListener, AgentOrder, AgentPipe, AgentProcess } from '../driver.ts'
import { NO_TOKENS } from '../driver.ts'
import { commandOf, plainEnvironment } from './own-command.ts'

const LINES_SAID_MAX = 200

export const plainCommand: AgentDriver = {
  name: 'command',
  start(order, listener) {
    const argv = commandOf(order, 'command')
    const over = Promise.withResolvers<AgentReason | undefined>()
    let running: AgentPipe | undefined
    let interrupted = false
    listener.event({ type: 'ready' })
    return {
      send({ order: id, text }) {
        if (running !== undefined) throw new NimbusError('turn-open', 'A turn is open.')
        interrupted = false
        listener.event({ type: 'prompt', order: id, text })
        running = run(
          order,
          argv,
          text,
          listener,
          () => interrupted,
          () => (running = undefined),
        )
      },
      interrupt() {
        interrupted = true
        running?.signal('SIGINT')
      },
      answer() {},
      close() {
        running?.signal('SIGTERM')
        over.resolve(undefined)
      },
      signal: (name) => {
        running?.signal(name)
        if (name !== 'SIGINT') over.resolve(undefined)
      },
      ended: over.promise,
    } satisfies AgentProcess
  },
}

function run(
  order: AgentOrder,
  argv: readonly string[],
  prompt: string,
  listener: AgentListener,
  wasInterrupted: () => boolean,
  done: () => void,
): AgentPipe {
  const startedMs = order.clock.nowMs()
  let said = 0
  let last = ''
  const pipe = order.launch({
    argv,
    env: plainEnvironment(order),
    readable: [],
    onLine(line) {
      listener.heard()
      last = line
      said += 1
      if (said <= LINES_SAID_MAX) listener.event({ type: 'message', text: line })
    },
    onLongLine: (bytes) => listener.event({ type: 'note', text: `A line of ${bytes} bytes was left out.` }),
  })
  for (const line of prompt.split('\n')) pipe.write(line)
  pipe.closeInput()
  const finish = async (): Promise<void> => {
    const { exitCode, signal, errors } = await pipe.ended
    done()
    if (said > LINES_SAID_MAX) listener.event({ type: 'note', text: `${said - LINES_SAID_MAX} more lines were left out.` })
    const how = signal === undefined ? `with exit code ${exitCode ?? '?'}` : `by ${signal}`
    const failed = exitCode !== 0
    const reason = {
      code: 'command-failed',
      message: `The command ended ${how}. ${errors.trim().slice(-1_000)}`.trim(),
      cure: 'Look at nimbus session messages.',
    }
    listener.event({
      type: 'turn',
      result: wasInterrupted() ? 'interrupted' : failed ? 'error' : 'success',
      turns: 1,
      tokens: NO_TOKENS,
      costUsd: 0,
      text: last,
      durationMs: Math.round(order.clock.nowMs() - startedMs),
      ...(failed && !wasInterrupted() ? { reason } : {}),
    })
  }
  void finish()
  return pipe
}
