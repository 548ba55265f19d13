// Carries bytes between a git client here and a repository at another worker. Neither side is gathered: each waits for the other.
import type { Channel, Session } from './channel.ts'

/** The way to another worker. */
export type FarChannel = Channel & { end(): Promise<void>; abort(reason: string): void }

export function carry(far: FarChannel): Session {
  return async (channel, gone) => {
    const drop = (): void => far.abort('the client is gone')
    gone.addEventListener('abort', drop, { once: true })
    const sending = async (): Promise<void> => {
      for (let piece = await channel.read(); piece !== undefined; piece = await channel.read()) await far.write(piece)
      await far.end()
    }
    try {
      sending().catch(() => {}) // what broke is told by what comes back
      for (let piece = await far.read(); piece !== undefined; piece = await far.read()) await channel.write(piece)
    } finally {
      gone.removeEventListener('abort', drop)
      far.abort('it is over')
    }
  }
}
