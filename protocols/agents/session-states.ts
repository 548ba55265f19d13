// How a session of a coding agent can stand. Apart from the records, since pages in a browser read it too.
export const SESSION_STATES = ['starting', 'working', 'waiting', 'idle', 'done', 'failed', 'interrupted'] as const
export type SessionStateName = (typeof SESSION_STATES)[number]
