// The log of one run: frames of `u8 stream | u32be length | f64be wall ms | bytes`. Bytes stay bytes: a character may be split
// over two frames, whoever shows them decodes. Never holds more than one batch and one queue in memory.
import { type FileHandle, open } from 'node:fs/promises'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'

export type LogStream = 1 | 2 | 3
export const STDOUT = 1
export const STDERR = 2
/** What Nimbus itself has to say about the run. */
export const SYSTEM = 3

export type LogChunk = { offset: number; stream: LogStream; time: number; bytes: Uint8Array }
export type LogFollow = { done(): boolean; changed(): Promise<void> }

const HEADER_BYTES = 13
/** A frame is the unit that a follower receives. */
const FRAME_BYTES_MAX = 64 * 1024
/** At this much queued output the child has to wait: it is never buffered without limit. */
const QUEUE_BYTES_MAX = 256 * 1024
const BATCH_MS = 15
const READ_BYTES = 256 * 1024

export type LogWriter = {
  /** Settles when there is room for more; await it before reading more from the child. */
  write(stream: LogStream, bytes: Uint8Array): Promise<void>
  /** Bytes of output accepted into the log, headers not counted. */
  size(): number
  droppedBytes(): number
  /** Writes what is queued and closes the file. */
  end(): Promise<void>
}

type WriterComponents = { clock: Clock; file: FileHandle; onGrowth(size: number): void }
type Frame = { stream: LogStream; time: number; bytes: Uint8Array }

/** At `bytesMax` one system frame says so; what follows is counted, not kept. A full disk is treated the same: the run goes on. */
export function createLogWriter({ clock, file, onGrowth }: WriterComponents, { bytesMax }: { bytesMax: number }): LogWriter {
  let queue: Frame[] = []
  let queuedBytes = 0
  let size = 0
  let kept = 0
  let dropped = 0
  let full = false
  let broken = false
  let flushing: Promise<void> | undefined
  let timer: Cancel | undefined

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue
      queue = []
      queuedBytes = 0
      try {
        await file.appendFile(encodeFrames(batch))
        onGrowth(size)
      } catch {
        // No space or a failing disk: said by droppedBytes. A half-written frame ends the log for good.
        broken = true
        const lost = batch.reduce((sum, frame) => sum + frame.bytes.length, 0)
        dropped += lost
        size -= lost
      }
    }
  }
  const flush = (): Promise<void> => {
    timer?.()
    timer = undefined
    flushing ??= drain().finally(() => {
      flushing = undefined
    })
    return flushing
  }
  const push = (stream: LogStream, bytes: Uint8Array): void => {
    if (bytes.length === 0) return
    queue.push({ stream, time: clock.wallMs(), bytes })
    queuedBytes += bytes.length
    size += bytes.length
  }
  return {
    async write(stream, bytes) {
      const room = broken ? 0 : stream === SYSTEM ? bytes.length : bytesMax - kept
      const part = bytes.subarray(0, Math.max(room, 0))
      if (stream !== SYSTEM) kept += part.length
      dropped += bytes.length - part.length
      push(stream, part)
      if (part.length < bytes.length && !full && !broken) {
        full = true
        push(SYSTEM, Buffer.from(`The log is full at ${bytesMax} bytes; what follows is counted, not kept.\n`))
      }
      if (queuedBytes >= QUEUE_BYTES_MAX) await flush()
      else if (queuedBytes > 0) timer ??= clock.after(BATCH_MS, () => void flush())
    },
    size: () => size,
    droppedBytes: () => dropped,
    async end() {
      await flush()
      await flush() // what came while the first was writing
      // A disk that fails at closing has nothing to add to droppedBytes.
      await file.close().catch(() => {})
    },
  }
}

/**
 * Reads from the raw byte offset `from` on. Ends at the end of the file; with `follow`, when that is reached and `done()`.
 * A frame that is cut off at the end (its writer died) is left out. With `follow` a log that does not exist yet is waited
 * for: a run is known a moment before its log is opened.
 */
export async function* readLog(
  path: string,
  options: { from: number; follow?: LogFollow; signal?: AbortSignal },
): AsyncGenerator<LogChunk> {
  const { from, follow, signal } = options
  const file = follow === undefined ? await openToRead(path) : await openOnceThere(path, follow, signal)
  if (file === undefined) return
  const buffer = Buffer.alloc(READ_BYTES)
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  let position = 0
  try {
    while (!signal?.aborted) {
      // Asked before reading: what was written before the run was done is then surely seen.
      const change = follow?.changed()
      const last = follow === undefined || follow.done()
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, position)
      position += bytesRead
      if (bytesRead === 0) {
        if (last) return
        await Promise.race([change, aborted(signal)])
        continue
      }
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      for (let frame = takeFrame(rest, path, offset); frame !== undefined; frame = takeFrame(rest, path, offset)) {
        rest = rest.subarray(HEADER_BYTES + frame.bytes.length)
        const skip = Math.max(0, Math.min(from - offset, frame.bytes.length))
        if (skip < frame.bytes.length) yield { ...frame, offset: offset + skip, bytes: frame.bytes.subarray(skip) }
        offset += frame.bytes.length
        if (signal?.aborted) return
      }
    }
  } finally {
    await file.close()
  }
}

/** Bytes of output in a log whose writer died; what can be read counts. */
export async function logSizeOf(path: string): Promise<number> {
  let size = 0
  try {
    for await (const chunk of readLog(path, { from: 0 })) size = chunk.offset + chunk.bytes.length
  } catch {
    // No log, or its end is damaged: what came before it stands.
  }
  return size
}

/** Undefined where the run ended without a log, or the reader left. */
async function openOnceThere(path: string, follow: LogFollow, signal: AbortSignal | undefined): Promise<FileHandle | undefined> {
  while (!signal?.aborted) {
    const change = follow.changed()
    const last = follow.done()
    try {
      return await open(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return openToRead(path)
      if (last) return undefined
    }
    await Promise.race([change, aborted(signal)])
  }
  return undefined
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new NimbusError('log-missing', `The log ${path} cannot be read, because ${messageOf(cause)}.`, {
      kind: 'missing',
      cause,
      cure: 'Logs are kept for a time only; run the task again.',
    })
  }
}

/** Opens a fresh log; says which file and what to do where that fails. */
export async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o600)
  } catch (cause) {
    throw new NimbusError('log-not-writable', `The log ${path} cannot be written, because ${messageOf(cause)}.`, {
      cause,
      cure: 'Make room or give the node its data folder back.',
    })
  }
}

function takeFrame(from: Buffer, path: string, offset: number): Frame | undefined {
  if (from.length < HEADER_BYTES) return undefined
  const stream = from.readUInt8(0)
  const length = from.readUInt32BE(1)
  if (stream < STDOUT || stream > SYSTEM || length > FRAME_BYTES_MAX) {
    throw new NimbusError('log-corrupt', `The log ${path} is damaged at byte ${offset}, because no frame begins there.`, {
      cure: 'What came before it is sound; run the task again for the rest.',
    })
  }
  if (from.length < HEADER_BYTES + length) return undefined
  // A copy: the buffer behind it is used again for the next read.
  return {
    stream: stream as LogStream,
    time: from.readDoubleBE(5),
    bytes: Uint8Array.prototype.slice.call(from, HEADER_BYTES, HEADER_BYTES + length),
  }
}

/** Neighbours of one stream share a frame, up to its limit. */
function encodeFrames(batch: readonly Frame[]): Buffer {
  const parts: Buffer[] = []
  for (let index = 0; index < batch.length; ) {
    const { stream, time } = batch[index] as Frame
    const same: Uint8Array[] = []
    for (let next = batch[index]; next?.stream === stream; next = batch[++index]) same.push(next.bytes)
    const bytes = Buffer.concat(same)
    for (let start = 0; start < bytes.length; start += FRAME_BYTES_MAX) {
      const part = bytes.subarray(start, start + FRAME_BYTES_MAX)
      const header = Buffer.alloc(HEADER_BYTES)
      header.writeUInt8(stream, 0)
      header.writeUInt32BE(part.length, 1)
      header.writeDoubleBE(time, 5)
      parts.push(header, part)
    }
  }
  return Buffer.concat(parts)
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
}
