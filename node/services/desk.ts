// What people and programs ask about services: start, bring forward, stop, start anew, go back. It writes wishes; workers carry them out.
import type { ServiceRequest, ServiceView } from '../../protocols/http/services.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../protocols/records.ts'
import type { ServiceRecord, ServiceSpec } from '../../protocols/services/service-records.ts'
import { parseDuration } from '../kernel/durations.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Service, ServiceBook } from './book.ts'
import { isSamePlace, taskOf, taskSpecOf } from './plan.ts'
import type { Holding } from './service-view.ts'
import { serviceViewOf } from './service-view.ts'

/** Services of the mesh; every node keeps all of them. */
const SERVICES_MAX = 1_000
const ACKNOWLEDGE_MS = 1_500

export type ServiceFile = { path: string; hash: string; size: number }
export type ServiceDeskComponents = {
  self: PeerId
  book: ServiceBook
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  publishOnce(spec: TaskSpec): { seq?: number }
  /** How the task of a generation stands. */
  holding(task: TaskId): Holding | undefined
  /** Where the worker can be found. */
  findWorker(name: string): PeerId | undefined
  /** What a task left. @throws NimbusError where it has not succeeded */
  filesOf(task: string): ServiceFile[]
  nameOf(peer: PeerId): string
  /** @throws NimbusError where this node may not write */
  assertMayWrite(deed: string): void
}
export type ServiceDesk = {
  /** By name. */
  list(): ServiceView[]
  find(name: string): ServiceView | undefined
  /** Starts it, or brings it forward to this. */
  start(request: ServiceRequest): Promise<ServiceView>
  stop(name: string): Promise<ServiceView>
  restart(name: string): Promise<ServiceView>
  /** To this revision, or to the one before. */
  rollback(name: string, revision?: number): Promise<ServiceView>
  /** Forgets it; it has to be stopped. */
  remove(name: string): Promise<void>
}

type Wish = Pick<ServiceRecord, 'revision' | 'launch' | 'spec' | 'rollbackOf'>

export function createServiceDesk(components: ServiceDeskComponents): ServiceDesk {
  const { book, append } = components
  const viewOf = (service: Service): ServiceView => serviceViewOf(service, components)
  const there = (name: string): Service | undefined => {
    const service = book.get(name)
    return service?.desired === 'removed' ? undefined : service
  }
  const known = (name: string): Service => {
    const service = there(name)
    if (service !== undefined) return service
    throw new NimbusError('service-unknown', `There is no service ${name}.`, { kind: 'missing', cure: 'nimbus service ls lists them.' })
  }
  const isHeld = ({ name, generation, desired }: Service): boolean =>
    desired === 'running' && components.holding(taskOf(name, generation))?.end === undefined

  /** Writes that this is wanted now: in the running generation where it can stay there, else in a new one. */
  const want = async (name: string, { rollbackOf, ...wish }: Wish): Promise<ServiceView> => {
    const before = book.get(name)
    const stays = before !== undefined && isHeld(before) && isSamePlace(before.spec, wish.spec)
    const generation = (before?.generation ?? 0) + (stays ? 0 : 1)
    if (before !== undefined && !stays && isHeld(before))
      append({ kind: 'cancel', task: taskOf(name, before.generation), reason: 'the service moves' })
    const again = rollbackOf === undefined ? {} : { rollbackOf }
    const seq = append({ kind: 'service', name, generation, desired: 'running', ...wish, ...again })
    const task = stays ? undefined : components.publishOnce(taskSpecOf({ name, generation, spec: wish.spec }))
    await components.durable(Math.max(seq, task?.seq ?? 0), ACKNOWLEDGE_MS)
    return viewOf(known(name))
  }
  const nextRevision = (name: string): number => (book.get(name)?.revisions[0]?.revision ?? 0) + 1

  return {
    list: () => book.all().flatMap((service) => (service.desired === 'removed' ? [] : viewOf(service))),
    find(name) {
      const service = there(name)
      return service === undefined ? undefined : viewOf(service)
    },
    async start(request) {
      components.assertMayWrite('start services')
      if (there(request.name) === undefined && book.all().filter(({ desired }) => desired !== 'removed').length >= SERVICES_MAX)
        throw new NimbusError('too-many-services', `The mesh has ${SERVICES_MAX} services, which is the limit.`, {
          kind: 'refused',
          cure: 'Remove one: nimbus service rm NAME.',
        })
      return want(request.name, { revision: nextRevision(request.name), launch: 0, spec: specOf(request, components) })
    },
    async stop(name) {
      components.assertMayWrite('stop services')
      const service = known(name)
      if (service.desired === 'running') {
        const { generation, revision, launch, spec } = service
        append({ kind: 'service', name, generation, revision, launch, spec, desired: 'stopped' })
        await components.durable(
          append({ kind: 'cancel', task: taskOf(name, generation), reason: 'the service was stopped' }),
          ACKNOWLEDGE_MS,
        )
      }
      return viewOf(known(name))
    },
    async restart(name) {
      components.assertMayWrite('restart services')
      const { revision, launch, spec, rollbackOf } = known(name)
      return want(name, { revision, launch: launch + 1, spec, ...(rollbackOf === undefined ? {} : { rollbackOf }) })
    },
    async rollback(name, wanted) {
      components.assertMayWrite('roll services back')
      const service = known(name)
      const to = service.revisions.find(({ revision }) => revision === (wanted ?? revisionBefore(service)))
      if (to === undefined)
        throw new NimbusError(
          'no-revision',
          `Service ${name} has no ${wanted === undefined ? 'earlier revision' : `revision ${wanted}`} to go back to.`,
          {
            kind: 'missing',
            cure: `nimbus service show ${name} lists its revisions.`,
          },
        )
      return want(name, { revision: nextRevision(name), launch: 0, spec: to.spec, rollbackOf: to.revision })
    },
    async remove(name) {
      components.assertMayWrite('remove services')
      const service = known(name)
      if (service.desired === 'running')
        throw new NimbusError('service-running', `Service ${name} runs.`, {
          kind: 'refused',
          cure: `Stop it first: nimbus service stop ${name}.`,
        })
      const { generation, revision, launch, spec } = service
      await components.durable(append({ kind: 'service', name, generation, revision, launch, spec, desired: 'removed' }), ACKNOWLEDGE_MS)
    },
  }
}

/** What runs now where the wanted one was not taken; else the one before it, passing over what was itself a way back from it. */
function revisionBefore({ revision, rollbackOf, revisions, told }: Service): number | undefined {
  const live = told?.observed.revision
  if (told?.observed.failed?.revision === revision && live !== undefined && live !== revision) return live
  return revisions.find((one) => one.revision < (rollbackOf ?? revision))?.revision
}

function specOf(request: ServiceRequest, { self, findWorker, filesOf }: ServiceDeskComponents): ServiceSpec {
  const { name: _name, task, files, healthTimeout, drain, lostAfter, any, worker, ...rest } = request
  const isFree = any === true || rest.pool !== undefined || rest.skills !== undefined || rest.labels !== undefined
  const named = worker === undefined ? undefined : findWorker(worker)
  if (worker !== undefined && named === undefined)
    throw new NimbusError('worker-unknown', `There is no worker ${worker}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
  const place = named ?? (isFree ? undefined : self)
  const spec = {
    ...rest,
    files: task === undefined ? files : filesOf(task),
    healthTimeoutMs: msOf(healthTimeout),
    drainMs: msOf(drain),
    lostAfterMs: msOf(lostAfter),
    worker: place,
  }
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) as ServiceSpec
}

function msOf(value: string | number | undefined): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : value
}
