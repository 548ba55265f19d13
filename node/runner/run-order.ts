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

/** A run that a node has left to its successor; it stands still until its lease is told. */
export type LeftRun = { order: RunOrder; pid: number }
/** Where a guardian waits for the successor of its node. */
export type WaitingGuardian = { pid: number; socket: string }

export type Target = { host: string; port: number }

export type ToGuardian =
  | { type: 'start'; order: RunOrder }
  | { type: 'stop'; id: string; graceMs: number; reason: string }
  | { type: 'lease'; name: string; untilMs: number }
  | { type: 'last-words'; datagram: Uint8Array; targets: Target[] }
  /** This node goes, and another process comes for what runs: `key` is what that will say, `note` what it will be told. */
  | { type: 'hand-over'; ids: string[]; socket: string; key: string; note: string; patienceMs: number }
  /** The first word of that process. */
  | { type: 'adopt'; key: string }
  | { type: 'bye' }

export type FromGuardian =
  | { type: 'started'; id: string; pid: number }
  | { type: 'refused'; id: string; code: string; message: string; cure: string }
  | { type: 'grown'; id: string; logSize: number }
  | { type: 'ended'; end: RunEnd }
  /** These runs stand still and wait. */
  | { type: 'handed'; ids: string[] }
  /** The answer to `adopt`. */
  | { type: 'runs'; note: string; runs: LeftRun[] }
