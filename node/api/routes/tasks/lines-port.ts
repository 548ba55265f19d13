// What the API asks for lines of output.

/** `from` is a line's number; `limit` counts lines, or with `q` those that hold it. `attempt` is an epoch. */
export type LinesQuery = {
  from: number
  limit: number
  tail?: number
  q?: string
  context: number
  attempt?: number
  follow: boolean
  signal: AbortSignal
}
