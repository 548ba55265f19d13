// How far a fetch of the machine's git is, read from what it says; where it says that too much came, it is ended.
import { NimbusError } from '../../kernel/errors.ts'
import type { FetchStep } from '../progress.ts'

/** Reads git's own words: `Receiving objects:  45% (9/20), 1.2 MiB | 3 MiB/s`. */
export function fetchProgress(receivedBytesMax: number, onProgress: (step: FetchStep) => void): (text: string) => void {
  return (text) => {
    for (const line of text.split(/[\r\n]/)) {
      const [, phase, loaded, total] = /^(?:remote: )?([A-Z][a-z]+(?: [a-z]+)?):\s+\d+% \((\d+)\/(\d+)\)/.exec(line) ?? []
      if (phase === undefined) continue
      const [, amount, unit] = /, ([\d.]+) (bytes|KiB|MiB|GiB)/.exec(line) ?? []
      const bytes = Number(amount ?? 0) * { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit ?? 'bytes']!
      if (bytes > receivedBytesMax)
        throw new NimbusError('repo-too-large', `The clone was ended, because the server sent more than ${receivedBytesMax} bytes.`, {
          kind: 'refused',
          cure: 'Raise the limit for clones, or make the repository smaller.',
        })
      onProgress({ phase, loaded: Number(loaded), total: Number(total), ...(amount === undefined ? {} : { bytes: Math.round(bytes) }) })
    }
  }
}
