// Answers the requests of other members: output of runs here, blobs, commands to this worker. One place where a request of a
// peer is read; whatever goes wrong becomes an answer.
import type { CallAnswer, CallRequest } from '../../protocols/calls.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { encodeCall } from '../../protocols/calls.ts'
import type { WorkerVerb } from '../api/ports.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { RunLogs } from '../tasks/work/run-logs.ts'
import type { Terminals } from './terminals/terminals.ts'

export type CallDesk = { answer(from: PeerId, request: CallRequest | undefined, signal: AbortSignal): AsyncIterable<Uint8Array> }

export type CallDeskComponents = {
  logs: Pick<RunLogs, 'answer'>
  terminals: Pick<Terminals, 'answer'>
  /** A viewer may look, not command. */
  mayCommand(peer: PeerId): boolean
  command(verb: WorkerVerb): Promise<void>
  grant(secret: string, readers: readonly PeerId[]): Promise<void>
  givePass(to: PeerId): CallAnswer
  takeCommits(repo: string, commits: readonly string[], from: PeerId): Promise<void>
  takeBlob(from: PeerId, blob: { hash: string; size: number }, signal: AbortSignal): Promise<void>
  knownRepo(from: PeerId, url: string, ref: string | undefined): Promise<CallAnswer>
}

export function createCallDesk(components: CallDeskComponents): CallDesk {
  const { logs, terminals, mayCommand, command, grant, takeCommits, takeBlob, givePass } = components
  const answers = async function* (from: PeerId, request: CallRequest | undefined, signal: AbortSignal): AsyncIterable<CallAnswer> {
    if (request === undefined)
      throw new NimbusError('request-unknown', 'This version does not know that request.', {
        kind: 'usage',
        cure: 'Bring both nodes to the same version.',
      })
    if (request.op === 'log' || request.op === 'blob' || request.op === 'lines') return yield* logs.answer(request, signal)
    if (request.op === 'repo-take') {
      await takeCommits(request.repo, request.commits, from)
      return yield { t: 'done' }
    }
    if (request.op === 'page-pass') return yield givePass(from)
    if (request.op === 'repo-known') return yield await components.knownRepo(from, request.url, request.ref)
    if (request.op === 'terminal-attach' || request.op === 'terminal-say') return yield* terminals.answer(from, request, signal)
    if (!mayCommand(from))
      throw new NimbusError(
        'may-not-command',
        `A viewer may not ${request.op === 'grant' ? 'grant a secret on' : request.op === 'blob-take' ? 'leave files on' : request.verb} a worker.`,
        {
          kind: 'refused',
          cure: 'Do it on a member of the mesh.',
        },
      )
    if (request.op === 'blob-take') await takeBlob(from, request, signal)
    else if (request.op === 'grant') await grant(request.name, request.readers)
    else await command(request.verb)
    yield { t: 'done' }
  }
  return {
    async *answer(from, request, signal) {
      try {
        for await (const answer of answers(from, request, signal)) yield encodeCall(answer)
      } catch (error) {
        const { code, kind, cure } = error instanceof NimbusError ? error : { code: 'failed', kind: 'failed' as const, cure: undefined }
        yield encodeCall({ t: 'error', code, message: messageOf(error), kind, ...(cure === undefined ? {} : { cure }) })
      }
    },
  }
}
