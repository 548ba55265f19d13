// Questions that nobody answers are told again, ever more rarely, for as long as they are open.
import { expect, test } from 'vitest'
import { createReminders } from '../../../../node/agents/questions/reminders.ts'
import type { QuestionView } from '../../../../protocols/agents/question-views.ts'
import { createSimClock } from '../../../mesh/parts/sim-clock.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

function stand(askedAgoMs = 0) {
  const clock = createSimClock()
  const open = [{ id: 'q1', askedAt: clock.wallMs() - askedAgoMs }] as QuestionView[]
  const told: number[] = []
  const begunMs = clock.wallMs()
  const reminders = createReminders({
    clock,
    open: () => open,
    remind: async () => void told.push(Math.round((clock.wallMs() - begunMs) / MINUTE_MS)),
    onError(error) {
      throw error
    },
  })
  reminders.start()
  const pass = (ms: number): Promise<void> => clock.run(clock.nowMs() + ms, () => false)
  return { open, told, pass, stop: reminders.stop }
}

test('after 5, 15 and 60 minutes, then every four hours, without an end', async () => {
  const { told, pass, stop } = stand()
  await pass(24 * HOUR_MS + 10 * MINUTE_MS)
  stop()
  expect(told.map((minute) => Math.round(minute / 5) * 5)).toEqual([5, 15, 60, 300, 540, 780, 1_020, 1_260])
})

test('one that is answered is not told again, and a restart tells once what became due meanwhile', async () => {
  const { open, told, pass, stop } = stand(2 * HOUR_MS)
  await pass(10 * MINUTE_MS)
  expect(told).toHaveLength(1)
  open.length = 0
  await pass(24 * HOUR_MS)
  stop()
  expect(told).toHaveLength(1)
})
