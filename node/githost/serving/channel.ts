// Bytes between a git client and the repository that it speaks with, wherever in the mesh the two are. What the serving side throws
// reaches the client by name.

export type Channel = {
  /** The next piece; undefined where the other side has ended. */
  read(): Promise<Uint8Array | undefined>
  /** Resolves when the other side takes more. */
  write(bytes: Uint8Array): Promise<void>
}

/** `upload` sends objects out (clone, fetch), `receive` takes them in (push). */
export type Service = 'upload' | 'receive'

/** What is served on a channel: settles when it is done. */
export type Session = (channel: Channel, gone: AbortSignal) => Promise<void>
