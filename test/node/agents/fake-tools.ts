// What serves agents, empty: no questions, no knowledge, every lock free.
import { unknownQuestion } from '../../../node/agents/questions/question-rules.ts'
import type { NodePort } from '../../../node/api/ports.ts'

export function createFakeTools(): Pick<NodePort, 'questions' | 'heldLocks' | 'knowledge'> {
  return {
    questions: {
      ask: async () => unknownQuestion('asked'),
      answer: async (id) => unknownQuestion(id),
      withdraw: async (id) => unknownQuestion(id),
      waitFor: async (id) => unknownQuestion(id),
      find: () => undefined,
      list: () => ({ items: [] }),
    },
    knowledge: { add: async () => ({ id: 'k', durability: 'majority' }), find: () => undefined, list: async () => ({ items: [] }) },
    heldLocks: { take: async () => ({ held: true, fence: 1 }), release: async () => true, endOf: () => {} },
  }
}
