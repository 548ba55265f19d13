// What needs a person now, worst first. Pure: from what the page knows and the time.
import type { MeshView, TaskView } from '../../../protocols/http/views.ts'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { SessionView } from '../../../protocols/http/sessions.ts'
import { asksOf, sessionTitle } from './agents/session-facts.ts'
import { endText, hasEnded, specOf, titleOf } from './task-facts.ts'
import type { Worker } from './fleet.ts'
import { inertText } from './text/inert-text.ts'
import { sentence } from './text/sentences.ts'

/** A failure of yesterday is history, not a need. */
const FAILED_WITHIN_MS = 24 * 60 * 60 * 1_000
/** Shorter waits are the ordinary life of a queue; a full queue empties by itself, so that one is told later. */
const WAITING_AFTER_MS = 30_000
const BUSY_AFTER_MS = 15 * 60_000

export type Need = {
  key: string
  kind: 'mesh' | 'question' | 'worker' | 'failed' | 'waiting'
  state: string
  title: string
  text: string
  href: string
  since: number
  taskId?: string
}

export function needsOf(
  known: {
    mesh: MeshView | undefined
    workers: readonly Worker[]
    tasks: readonly TaskView[]
    questions?: readonly QuestionView[] | undefined
    sessions?: readonly SessionView[] | undefined
  },
  now: number,
): Need[] {
  const needs: Need[] = []
  needs.push(...majorityNeeded(known.mesh, now))
  needs.push(...answersNeeded(known.questions ?? [], known.sessions ?? []))
  for (const worker of known.workers) {
    if (worker.state !== 'suspect' && worker.state !== 'dead') continue
    const text =
      worker.state === 'dead' ? 'Offline. Its work is taken over by others.' : 'Does not answer. Others are asked whether they reach it.'
    needs.push({
      key: worker.peerId,
      kind: 'worker',
      state: worker.state,
      title: worker.name,
      text,
      href: `/workers/${worker.peerId}`,
      since: worker.seenAt ?? now,
    })
  }
  const retried = new Set(known.tasks.map((task) => specOf(task).retryOf))
  for (const task of known.tasks) {
    const shared = { key: task.id, title: titleOf(task), href: `/tasks/${task.id}`, state: task.state }
    if (task.state === 'failed' || task.state === 'dead') {
      const since = task.result?.endedAt ?? task.updatedAt
      if (now - since > FAILED_WITHIN_MS || retried.has(task.id)) continue
      const end = task.result === undefined ? '' : endText(task.result)
      const last = lastLine(task.result?.tail)
      needs.push({ ...shared, kind: 'failed', text: [end, last].filter(Boolean).join(' — '), since, taskId: task.id })
    } else if (
      task.waiting !== undefined &&
      specOf(task).kind !== 'question' &&
      !hasEnded(task.state) &&
      now - task.waiting.since > (task.waiting.code === 'slots' ? BUSY_AFTER_MS : WAITING_AFTER_MS) &&
      task.state === 'ready'
    ) {
      needs.push({
        ...shared,
        kind: 'waiting',
        text: `${sentence(task.waiting.message)} ${sentence(task.waiting.cure)}`,
        since: task.waiting.since,
      })
    }
  }
  return needs
}

function majorityNeeded(mesh: MeshView | undefined, now: number): Need[] {
  const group = mesh?.group
  if (group === undefined || group.reachable >= group.majority) return []
  return [
    {
      key: 'majority',
      kind: 'mesh',
      state: 'dead',
      title: 'No majority of keepers',
      text: `${group.reachable} of ${group.seats.length} keepers answer, ${group.majority} are needed. Work that runs goes on until its lease ends; nothing new starts on this side.`,
      href: '/mesh',
      since: now,
    },
  ]
}

/** Whoever waits for a person, longest first. */
function answersNeeded(questions: readonly QuestionView[], sessions: readonly SessionView[]): Need[] {
  const shared = { kind: 'question', state: 'suspect' } as const
  const asked = questions
    .filter(({ state }) => state === 'open')
    .map(({ id, text, askedBy, askedAt }) => ({
      ...shared,
      key: `question ${id}`,
      title: inertText(text.replaceAll('\n', ' ')).slice(0, 160),
      text: `${inertText(askedBy)} asks`,
      href: `/questions/${id}`,
      since: askedAt,
    }))
  const wanted = asksOf(sessions).map(({ session, ask }) => ({
    ...shared,
    key: `session ${session.id} ${ask.request}`,
    title: sessionTitle(session),
    text: `asks to use ${inertText(ask.tool)}`,
    href: `/sessions/${session.id}`,
    since: ask.askedAt,
  }))
  return [...asked, ...wanted].sort((one, two) => one.since - two.since)
}

function lastLine(tail: string | undefined): string {
  const line = (tail ?? '').trimEnd().split('\n').at(-1) ?? ''
  return inertText(line).slice(0, 160)
}
