// Sends objects out: the machine's own `git upload-pack` between the two ends of a channel. Nothing of the repository changes.
import { NimbusError } from '../../kernel/errors.ts'
import type { Piped } from '../../runner/commands/piped.ts'
import type { BareRepos } from '../keeping/bare-repos.ts'
import type { Channel, Session } from './channel.ts'
import type { Git } from '../keeping/git.ts'
import { wordsOf } from '../keeping/git.ts'

/** A whole clone over a slow line. */
export const SESSION_MS_MAX = 6 * 3_600_000
/** git gives a client up that says nothing for so long. */
const SILENCE_S = 600

export function uploadSession({ git, repos }: { git: Git; repos: Pick<BareRepos, 'dirOf'> }, repo: string): Session {
  return async (channel, gone) => {
    const child = git.start(repos.dirOf(repo), ['upload-pack', '--strict', `--timeout=${SILENCE_S}`, '.'], {
      env: { GIT_PROTOCOL: 'version=2' },
      timeoutMs: SESSION_MS_MAX,
      signal: gone,
    })
    try {
      void feed(channel, child)
      for await (const piece of child.output) await channel.write(piece)
      const end = await child.ended
      if (end.exitCode === 0 || gone.aborted) return
      throw new NimbusError('git-failed', `The repository ${repo} could not be sent: ${wordsOf(end)}.`, {
        cure: 'Try again; git fsck on the worker looks into it.',
      })
    } finally {
      child.kill()
    }
  }
}

/** Hands on what comes, for as long as it is read. */
async function feed(channel: Channel, child: Piped): Promise<void> {
  try {
    for (;;) {
      const piece = await channel.read()
      if (piece === undefined || !(await child.write(piece))) break
    }
    child.endInput()
  } catch {
    child.kill() // the client is gone
  }
}
