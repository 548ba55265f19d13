// Reminds people of questions that nobody answers: after five minutes, then ever more rarely, for as long as they are open. Only
// the node that asked reminds; after a restart it does so once for what became due meanwhile.
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { repeat } from '../../kernel/clock.ts'

const MINUTE_MS = 60_000
const FIRST_MS = [5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS]
const THEN_EACH_MS = 4 * 60 * MINUTE_MS
const LOOK_MS = 30_000

export function createReminders(components: {
  clock: Clock
  /** Open questions that this node asked. */
  open(): readonly QuestionView[]
  remind(question: QuestionView): Promise<unknown>
  onError(error: unknown): void
}): { start(): void; stop(): void } {
  const { clock } = components
  /** How many reminders each open question has had. */
  let given = new Map<string, number>()
  let stop: Cancel = () => {}
  const look = async (): Promise<void> => {
    const open = components.open()
    // What is open no more is forgotten with it.
    given = new Map(open.map(({ id }) => [id, given.get(id) ?? 0]))
    for (const question of open) {
      const due = dueAfter(clock.wallMs() - question.askedAt)
      if (due <= (given.get(question.id) ?? 0)) continue
      given.set(question.id, due)
      await components.remind(question)
    }
  }
  return {
    start: () => void (stop = repeat(clock, LOOK_MS, look, components.onError)),
    stop: () => stop(),
  }
}

/** How many reminders a question of this age should have had. */
function dueAfter(ageMs: number): number {
  const first = FIRST_MS.filter((atMs) => ageMs >= atMs).length
  const last = FIRST_MS.at(-1) ?? 0
  return first + Math.max(0, Math.floor((ageMs - last) / THEN_EACH_MS))
}
