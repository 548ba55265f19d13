// What the node and its guardian say to each other: orders in, ends out. Data only; never imports anything.

export type RunOrder = {
  /** Names the run in the environment of all its processes; letters, digits and `. _ : -`. */
  id: string
  argv: string[]
  cwd: string
  /** The whole environment: nothing is inherited from the node. */
  env: Record<string, string>
  timeoutMs?: number
  /** Between the polite signal and the hard one, when the time is over. */
  graceMs: number
  logFile: string
  logBytesMax: number
  tailBytesMax: number
  /** Secrets among the environment: the output shows `***` instead. */
  mask?: string[]
  /** Read as standard input; without it the work reads an empty one. */
  stdinFile?: string
  /** The lease under which the work may run; without one it is never frozen. */
  lease?: string
}

export type RunEnd = {
  id: string
  exitCode?: number
  signal?: string
  timedOut: boolean
  /** The reason given to `stop`, where that ended the run. */
  stopped?: string
  /** Nimbus's own failure: `guardian-died`, `processes-survived`. */
  error?: string
  startedAt: number
  endedAt: number
  /** Bytes of output in the log, without frame headers. */
  logSize: number
  droppedBytes: number
  /** The very last output, also where the log was full long before. */
  tail: string
}

export type Target = { host: string; port: number }

export type ToGuardian =
  | { type: 'start'; order: RunOrder }
  | { type: 'stop'; id: string; graceMs: number; reason: string }
  | { type: 'lease'; name: string; untilMs: number }
  | { type: 'last-words'; datagram: Uint8Array; targets: Target[] }
  | { type: 'bye' }

export type FromGuardian =
  | { type: 'started'; id: string; pid: number }
  | { type: 'refused'; id: string; code: string; message: string; cure: string }
  | { type: 'grown'; id: string; logSize: number }
  | { type: 'ended'; end: RunEnd }
