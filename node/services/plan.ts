// What follows from the wish for a service: the task of its generation, and which revision is to run. Pure.
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { onceId } from '../../protocols/ids.ts'
import type { TaskSpec } from '../../protocols/records.ts'
import type { ObservedService, ServiceSpec } from '../../protocols/services/service-records.ts'
import type { Service } from './book.ts'

/** What starts, and for which wish: with another launch the same revision starts anew. */
export type Target = { revision: number; launch: number; spec: ServiceSpec; author: PeerId }

export function taskOf(name: string, generation: number): TaskId {
  return onceId({ service: { name, generation } }) as TaskId
}

/** The task that holds a generation: it waits until the one before it is over, so that never two of them run. */
export function taskSpecOf({ name, generation, spec }: Pick<Service, 'name' | 'generation' | 'spec'>): TaskSpec {
  const { worker, pool, skills, labels, secrets, lostAfterMs, repo } = spec
  const place = { worker, pool, skills, labels, secrets, lostAfterMs }
  return {
    kind: 'service',
    name: `service ${name}`,
    argv: [],
    priority: 9,
    attempts: 1,
    service: { name, generation },
    // For the rules of workers, and for those that have it already.
    ...(repo === undefined ? {} : { repo }),
    ...(generation === 1 ? {} : { after: [taskOf(name, generation - 1)], afterAny: true }),
    ...(Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined)) as Partial<TaskSpec>),
  }
}

/** Whether a running service can go from one to the other without a stop: same workers, same secrets. */
export function isSamePlace(a: ServiceSpec, b: ServiceSpec): boolean {
  return JSON.stringify(placeOf(a)) === JSON.stringify(placeOf(b))
}

function placeOf({ worker, pool, skills, labels, secrets, lostAfterMs }: ServiceSpec): unknown {
  const sorted = (words: readonly string[] | undefined): string[] => [...(words ?? [])].sort()
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return [worker ?? null, pool ?? null, sorted(skills), pairs, sorted(secrets), lostAfterMs ?? null]
}

/**
 * The wanted revision, unless it failed as it is wanted: then the one that was live before, which another worker may have seen.
 * @param observed the newest word of whoever runs it or ran it
 */
export function targetOf(service: Service, observed: ObservedService | undefined): Target {
  const { revision, launch, spec, author, revisions } = service
  const wanted = { revision, launch, spec, author }
  const failed = observed?.failed
  if (failed === undefined || failed.revision !== revision || failed.launch !== launch) return wanted
  const before = revisions.find((one) => one.revision === observed?.revision && one.revision !== revision)
  return before === undefined ? wanted : { ...before, launch: observed?.launch ?? 0 }
}
