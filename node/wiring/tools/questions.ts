// Joins questions to the queue: they are tasks that people end. Tells the event stream of them and sends reminders as messages.
import type { Block } from '../../../protocols/blocks.ts'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { QuestionDesk } from '../../agents/questions/desk.ts'
import { createQuestionDesk } from '../../agents/questions/desk.ts'
import { createReminders } from '../../agents/questions/reminders.ts'
import type { MessagesPort } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { touchedBy } from '../../tasks/view/event-feed.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import type { BareEvent, Views } from '../views.ts'

/** Whoever wants to be reminded reads it: nimbus msg tail --topic questions. */
const TOPIC = 'questions'

export type QuestionsWiring = {
  open(rooms: { engine: Engine; fleet: Fleet; feed: Views['feed'] }): QuestionDesk
  note(state: TaskState): void
  eventsOf(block: Block): BareEvent[]
  start(messages: MessagesPort): void
  stop(): void
}

export function createQuestionsWiring({
  self,
  clock,
  onError,
}: {
  self: PeerId
  clock: Clock
  onError(error: unknown): void
}): QuestionsWiring {
  let desk: QuestionDesk | undefined
  let reminders: ReturnType<typeof createReminders> | undefined
  return {
    open({ engine, fleet, feed }) {
      let live = false
      const opened = createQuestionDesk({
        self,
        clock,
        fold: engine.fold,
        families: engine.families,
        proposer: engine.proposer,
        publishOnce: engine.publishOnce,
        append: engine.append,
        durable: engine.durable,
        changed: engine.changed,
        nameOf: fleet.nameOf,
        assertMayWrite: createMayWrite(self, fleet),
        onNews: (question) => void (live && feed.emit(() => eventOf(question))),
      })
      for (const state of engine.fold.tasks()) opened.note(state)
      live = true
      desk = opened
      return opened
    },
    note: (state) => desk?.note(state),
    eventsOf: (block) =>
      [...touchedBy(block).tasks].flatMap((id) => {
        const question = desk?.find(id)
        return question === undefined ? [] : [eventOf(question)]
      }),
    start(messages) {
      reminders = createReminders({
        clock,
        onError,
        open: () => desk?.own() ?? [],
        remind: ({ id, text, about }) => messages.send(undefined, { to: { topic: TOPIC }, body: { question: id, about, text } }),
      })
      reminders.start()
    },
    stop: () => reminders?.stop(),
  }
}

function eventOf(question: QuestionView): BareEvent {
  const verb = question.state === 'open' ? 'asked' : question.state
  return { type: `question.${verb}`, entity: 'question', id: question.id, data: question }
}
