// Questions to people (decision 0027): asked once under the asker's own name, answered once from any node, by compare-and-swap at
// a majority of the keepers. A question waits for ever; it is withdrawn with the task that asks.
import type { AnswerValue } from '../../../protocols/agents/question.ts'
import type { AnswerRequest, QuestionRequest, QuestionView } from '../../../protocols/agents/question-views.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { isTaskId, onceId } from '../../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Proposer } from '../../tasks/claims/proposer.ts'
import type { Fold, TaskState } from '../../tasks/fold/fold.ts'
import type { Families } from '../../tasks/fold/families.ts'
import { answerFree } from '../../tasks/fold/transitions.ts'
import type { Publication } from '../../tasks/publish.ts'
import type { QuestionList } from './question-list.ts'
import { createQuestionList } from './question-list.ts'
import { answerView, isQuestion, questionView } from './question-view.ts'
import { checkedAnswer, decidedBefore, isSame, notDecided, questionTask, sameQuestion, tooMany, unknownQuestion } from './question-rules.ts'

export type QuestionDeskComponents = {
  self: PeerId
  clock: Pick<Clock, 'wallMs'>
  fold: Pick<Fold, 'task' | 'termEnded'>
  families: Pick<Families, 'children' | 'assertRoom'>
  proposer: Pick<Proposer, 'change'>
  publishOnce(spec: TaskSpec): Publication
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  /** Settles when the task changes next, or when the signal fires. */
  changed(task: TaskId, signal: AbortSignal): Promise<void>
  nameOf(peer: PeerId): string
  /** @throws NimbusError where this node may not write */
  assertMayWrite(deed: string): void
  /** A question was asked, answered or withdrawn. */
  onNews(question: QuestionView): void
}
export type QuestionQuery = { limit: number; cursor?: string; state?: QuestionView['state']; task?: string }

export type QuestionDesk = {
  /** The same asker, asking under the same name, gets the same question, answered or not. `asker` is a task; without it somebody outside asks. */
  ask(asker: string | undefined, request: QuestionRequest): Promise<QuestionView>
  /** @param by who answers at this node. The same answer of the same person again is no second one. */
  answer(id: string, answer: AnswerRequest, by: string): Promise<QuestionView>
  withdraw(id: string): Promise<QuestionView>
  find(id: string): QuestionView | undefined
  list(query: QuestionQuery): { items: QuestionView[]; next?: string }
  /** Settles when the question is open no more, or when the signal fires. */
  waitFor(id: string, signal: AbortSignal): Promise<QuestionView>
  /** Open questions that this node asked. */
  own(): QuestionView[]
  /** The fold has changed; also called for every task at the start, before `onNews` counts. */
  note(state: TaskState): void
}

/** Open questions of one asker. */
const OPEN_MAX = 20
const ACKNOWLEDGE_MS = 1_500
const ANSWER_MS = 5_000

export function createQuestionDesk(components: QuestionDeskComponents): QuestionDesk {
  const { self, clock, fold, families, append } = components
  const questions: QuestionList = createQuestionList()
  const viewOf = (state: TaskState): QuestionView | undefined => {
    const parent = state.task?.spec.parent
    return questionView(state, { nameOf: components.nameOf, asker: parent === undefined ? undefined : fold.task(parent) })
  }
  const find = (id: string): QuestionView | undefined => {
    const state = isTaskId(id) ? fold.task(id) : undefined
    return state === undefined ? undefined : viewOf(state)
  }
  const known = (id: string): QuestionView => find(id) ?? unknownQuestion(id)
  const openOf = (asker: TaskId): number => [...families.children(asker)].filter((id) => find(id)?.state === 'open').length
  const withdraw = async (id: TaskId, reason: string): Promise<void> =>
    void (await components.durable(append({ kind: 'cancel', task: id, reason }), ACKNOWLEDGE_MS))

  return {
    find,
    async ask(asker, request) {
      components.assertMayWrite('ask')
      const parent = asker as TaskId | undefined
      const spec = questionTask(request, parent, self)
      const before = find(onceId(spec) ?? '')
      if (before !== undefined) return sameQuestion(before, request, parent)
      if (parent !== undefined) {
        families.assertRoom(parent, 1)
        if (openOf(parent) >= OPEN_MAX) throw tooMany(parent)
      }
      const { id, seq } = components.publishOnce(spec)
      if (seq !== undefined) await components.durable(seq, ACKNOWLEDGE_MS)
      return sameQuestion(known(id), request, parent)
    },
    async answer(id, request, by) {
      components.assertMayWrite('answer')
      const answer: AnswerValue = { ...checkedAnswer(known(id), request), node: self, by }
      const state = fold.task(id as TaskId)
      const record = state?.records === undefined ? undefined : state.task?.author
      const claimer = { node: self, term: '' as never, wallMs: clock.wallMs(), termEnded: fold.termEnded, record }
      const change = await components.proposer.change(id as TaskId, answerFree(claimer, answer), ANSWER_MS)
      if ('unreachable' in change) throw notDecided(id)
      const { outcome } = 'changed' in change ? change.changed : change.current
      if (!isSame(outcome?.answer, answer)) throw decidedBefore(id, outcome?.answer, components.nameOf)
      // The fold follows in a moment: what was decided is shown as it is.
      return { ...known(id), state: 'answered', answer: answerView(answer, outcome?.endedAt ?? 0, components.nameOf) }
    },
    async withdraw(id) {
      components.assertMayWrite('withdraw a question')
      const { state } = known(id)
      if (state === 'answered') throw decidedBefore(id, fold.task(id as TaskId)?.value.outcome?.answer, components.nameOf)
      if (state === 'open') await withdraw(id as TaskId, 'its asker withdrew it')
      return known(id)
    },
    list({ limit, cursor, state, task }) {
      const all = questions.all()
      const from = cursor === undefined ? 0 : all.indexOf(cursor as TaskId) + 1
      const items: QuestionView[] = []
      for (const id of all.slice(from)) {
        const view = find(id)
        if (view === undefined || (state !== undefined && view.state !== state) || (task !== undefined && view.task !== task)) continue
        if (items.length === limit) return { items, next: items.at(-1)?.id ?? '' }
        items.push(view)
      }
      return { items }
    },
    async waitFor(id, signal) {
      while (known(id).state === 'open' && !signal.aborted) await components.changed(id as TaskId, signal)
      return known(id)
    },
    own: () =>
      questions
        .open()
        .flatMap((id) => (fold.task(id)?.task?.author === self ? (find(id) ?? []) : []))
        .filter(({ state }) => state === 'open'),
    note(state) {
      const news = questions.note(state)
      const view = news === undefined ? undefined : viewOf(state)
      if (view !== undefined) components.onNews(view)
      if (state.value.state !== 'settled' || isQuestion(state)) return
      for (const id of families.children(state.id)) {
        const child = fold.task(id)
        if (child?.task?.author === self && isQuestion(child) && child.value.state === 'free' && child.cancel === undefined)
          append({ kind: 'cancel', task: id, reason: `its asker ${state.id} has ended` })
      }
    },
  }
}
