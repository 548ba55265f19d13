// What can be said of a session without asking anyone: its title, whether it is open, what it waits for. Pure.
import type { OrderView, SessionView } from '../../../../protocols/http/sessions.ts'
import { inertText } from '../text/inert-text.ts'

const TITLE_CHARS_MAX = 120

export type Ask = SessionView['asks'][number]

export function sessionTitle({ name, prompt }: Pick<SessionView, 'name' | 'prompt'>): string {
  const title = inertText((name ?? '').trim() || (prompt.trim().split('\n')[0] ?? '')) || 'a session without words'
  return title.length > TITLE_CHARS_MAX ? `${title.slice(0, TITLE_CHARS_MAX)}…` : title
}

export function isOver(state: SessionView['state']): boolean {
  return state === 'done' || state === 'failed' || state === 'interrupted'
}

/** Every request of a session that waits for a yes. */
export function asksOf(sessions: readonly SessionView[]): { session: SessionView; ask: Ask }[] {
  return sessions.flatMap((session) => session.asks.map((ask) => ({ session, ask })))
}

export function tokensText({ tokens }: Pick<SessionView, 'tokens'>): string {
  const all = tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite
  return all.toLocaleString('en', { notation: 'compact', maximumFractionDigits: 1 })
}

export function costText(usd: number): string {
  return `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`
}

/** What became of an answer to a request: the first one in the mesh counts, and it may not be this one. */
export function decidedText({ taken, won, decision }: OrderView): string {
  if (won === false)
    return `Somebody answered first: ${decision?.allow ? 'allowed' : 'refused'}${decision === undefined ? '' : ` by ${inertText(decision.by)}`}`
  return taken ? 'Answered' : 'Recorded; its worker is told when it can be reached'
}
