// Answers the requests of other members: output of runs here, blobs, commands to this worker. One place where a request of a
// peer is read; whatever goes wrong becomes an answer.
import type { CallAnswer, CallRequest } from '../../protocols/calls.ts'
import { encodeCall } from '../../protocols/calls.ts'
import type { WorkerVerb } from '../api/ports.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { RunLogs } from '../tasks/work/run-logs.ts'

export type CallDesk = { answer(request: CallRequest | undefined, signal: AbortSignal): AsyncIterable<Uint8Array> }

export function createCallDesk({ logs, command }: { logs: Pick<RunLogs, 'answer'>; command(verb: WorkerVerb): Promise<void> }): CallDesk {
  const answers = async function* (request: CallRequest | undefined, signal: AbortSignal): AsyncIterable<CallAnswer> {
    if (request === undefined) throw new NimbusError('request-unknown', 'This version does not know that request.', { kind: 'usage', cure: 'Bring both nodes to the same version.' })
    if (request.op !== 'command') return yield* logs.answer(request, signal)
    await command(request.verb)
    yield { t: 'done' }
  }
  return {
    async *answer(request, signal) {
      try {
        for await (const answer of answers(request, signal)) yield encodeCall(answer)
      } catch (error) {
        const { code, kind, cure } = error instanceof NimbusError ? error : { code: 'failed', kind: 'failed' as const, cure: undefined }
        yield encodeCall({ t: 'error', code, message: messageOf(error), kind, ...(cure === undefined ? {} : { cure }) })
      }
    },
  }
}
