// Locks and counters as the API asks for them: names of workers put to places, refusals put into words.
import type { CounterView, LockEventView, LockView } from '../../../protocols/http/names.ts'
import type { NameKey } from '../../../protocols/ids.ts'
import type { NamesPort } from '../../api/ports.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Engine } from '../../tasks/engine.ts'
import { addToSum } from '../../tasks/names/sums.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

const COUNT_MS = 10_000
const LOCK = '@lock/'
const COUNT = '@count/'

export function createNamesPort(components: {
  engine: Pick<Engine, 'names'>
  fleet: Pick<Fleet, 'nameOf'>
  assertMayWrite(deed: string): void
}): NamesPort {
  const { engine, fleet, assertMayWrite } = components
  const { names } = engine
  const counterOf = (name: string): CounterView | undefined => {
    const value = names.newest(`${COUNT}${name}` as NameKey)
    return value?.name?.sum === undefined ? undefined : { name, value: value.name.sum }
  }
  const namesOf = (prefix: string): string[] =>
    names
      .all()
      .flatMap(([key]) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []))
      .sort()

  return {
    locks: () =>
      namesOf(LOCK).flatMap((name) =>
        names
          .places(`${LOCK}${name}` as NameKey)
          .map(
            ({ node, epoch, sinceMs }): LockView => ({ name, holder: node, holderName: fleet.nameOf(node), fence: epoch, since: sinceMs }),
          ),
      ),
    async *hold(name, order): AsyncGenerator<LockEventView> {
      assertMayWrite('hold a lock')
      for await (const event of names.locks.hold(name, order)) {
        if (event.event !== 'waiting') yield event
        else yield { event: 'waiting', holder: event.holder, holderName: fleet.nameOf(event.holder), since: event.sinceMs }
      }
    },
    counters: () => namesOf(COUNT).flatMap((name) => counterOf(name) ?? []),
    counter: counterOf,
    async add(name, by) {
      assertMayWrite('count')
      const change = await names.operate(`${COUNT}${name}` as NameKey, (operation) => addToSum(by, operation), COUNT_MS)
      if ('unreachable' in change)
        throw new NimbusError(
          'count-unknown',
          `No majority of the keepers answered within ${COUNT_MS} ms: whether ${name} has counted is not known.`,
          {
            kind: 'unreachable',
            cure: 'Bring the other keepers back, look with nimbus counter show, and count again only if it is missing.',
          },
        )
      if ('changed' in change) return { name, value: change.changed.name?.sum ?? 0 }
      if (change.refused === 'done') return { name, value: change.current.name?.sum ?? 0 }
      throw change.refused === 'overflow' ? overflow(name, by) : full(name)
    },
  }
}

function overflow(name: string, by: number): NimbusError {
  return new NimbusError('counter-overflow', `Counter ${name} plus ${by} is beyond ${Number.MAX_SAFE_INTEGER}; it has not counted.`, {
    kind: 'usage',
    cure: 'Use another counter, or count in larger units.',
  })
}

function full(name: string): NimbusError {
  return new NimbusError('names-full', `The keepers keep as many names as they may and take no new one: counter ${name}.`, {
    kind: 'busy',
    cure: 'Use a name that exists already: nimbus lock ls and nimbus counter ls show them.',
  })
}
