// The caretaker between wish and supervisor: what it hands over, what it refuses, and what it tells the mesh.
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { serviceRequest } from '../../../protocols/http/services.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { ObservedService } from '../../../protocols/services/service-records.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { NimbusError } from '../../../node/kernel/errors.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import type { Caretaker, CaretakerComponents } from '../../../node/services/caretaker.ts'
import { createCaretaker } from '../../../node/services/caretaker.ts'
import type { ServiceOrder } from '../../../node/services/mailbox.ts'
import { post } from '../../../node/services/mailbox.ts'
import { taskOf, taskSpecOf } from '../../../node/services/plan.ts'
import { until } from '../../support/until.ts'
import { alice } from '../../protocols/samples.ts'
import { createServiceRoom } from './service-room.ts'

let dir: string
let begun: Caretaker | undefined
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'nimbus-care-'))))
afterEach(() => {
  begun?.over(taskOf('web', 1), 3)
  rmSync(dir, { recursive: true, force: true })
})

/** A service of two revisions, held here under epoch 3. */
async function care(over: Partial<CaretakerComponents> = {}) {
  const room = createServiceRoom(alice.peerId)
  const request = (command: string) => serviceRequest.parse({ name: 'web', argv: [command] })
  await room.desk.start(request('one'))
  room.holdings.set(taskOf('web', 1), { holder: alice.peerId, epoch: 3 })
  await room.desk.start(request('two'))
  const told: ObservedService[] = []
  const caretaker = createCaretaker({
    clock: createSystemClock(),
    log: silentLog,
    dataDir: dir,
    book: room.book,
    supervisor: ['supervise'],
    stage: async ({ revision, launch, spec }, { root, portBefore }) => ({
      revision,
      launch,
      argv: spec.argv,
      cwd: root,
      env: {},
      handOn: [],
      protocol: 'http',
      healthTimeoutMs: 1,
      drainMs: 1,
      restart: 'always',
      host: '127.0.0.1',
      ...(portBefore === undefined ? {} : { portBefore }),
    }),
    append(entry: Entry) {
      if (entry.kind === 'service-state') told.push(entry.observed)
      return room.append(entry)
    },
    refusal: () => undefined,
    environment: () => ({}),
    ...over,
  })
  begun = caretaker
  const service = room.book.get('web')
  const begin = (): string[] =>
    caretaker.begin({ task: taskOf('web', 1), epoch: 3, spec: taskSpecOf(service as NonNullable<typeof service>) }, dir)
  const order = (): ServiceOrder | undefined =>
    existsSync(join(dir, 'order.json')) ? (JSON.parse(readFileSync(join(dir, 'order.json'), 'utf8')) as ServiceOrder) : undefined
  return { ...room, caretaker, begin, order, told }
}

const running = (over: Partial<ObservedService>): ObservedService => ({ state: 'running', since: 1, restarts: 0, ...over })

test('the wanted revision is ordered; when it is refused, the one that was live before comes back', async () => {
  const { begin, order, told, desk, caretaker } = await care()
  expect(begin()).toEqual(['supervise', dir])
  await until(() => order()?.revision === 2, { what: 'an order' })
  await post(
    dir,
    'report.json',
    running({ revision: 1, launch: 0, port: 4321, failed: { revision: 2, launch: 0, reason: 'exit code 1', at: 2 } }),
  )
  await until(() => order()?.revision === 1, { what: 'the one before' })
  expect(told.at(-1)).toMatchObject({ state: 'running', revision: 1, failed: { revision: 2 } })
  expect(order()?.argv).toEqual(['one'])
  await desk.restart('web')
  caretaker.changed('web')
  await until(() => order()?.launch === 1, { what: 'a new chance' })
  expect(order(), 'at the port that it had').toMatchObject({ revision: 2, portBefore: 4321 })
})

test('on the next worker the revision that was refused before is not tried first', async () => {
  const { begin, order, append } = await care()
  const failed = { revision: 2, launch: 0, reason: 'exit code 1', at: 2 }
  const observed = running({ revision: 1, launch: 0, host: '127.0.0.1', port: 1234, failed })
  append({ kind: 'service-state', name: 'web', generation: 1, epoch: 2, step: 9, observed })
  begin()
  await until(() => order() !== undefined, { what: 'an order' })
  expect(order()).toMatchObject({ revision: 1, argv: ['one'] })
  expect(order()?.portBefore, 'the port of another worker').toBeUndefined()
})

test.each([
  [
    'its rules refuse the author',
    { refusal: () => 'its own rule --accept publisher=… refuses it' },
    /this worker does not run it: its own rule/,
  ],
  [
    'it cannot be made ready',
    {
      stage: async () => {
        throw new NimbusError('no-sandbox', 'There is no bubblewrap.', { cure: 'Install it.' })
      },
    },
    /There is no bubblewrap\. Install it\./,
  ],
])('where %s nothing is ordered, and why is told', async (_, over, reason) => {
  const { begin, order, told } = await care(over)
  begin()
  await until(() => told.length > 0, { what: 'a word' })
  expect(told[0]).toMatchObject({ state: 'waiting', reason: expect.stringMatching(reason), failed: { revision: 2 } })
  expect(order()).toBeUndefined()
})

test('a task that names no service is no run', async () => {
  const { caretaker } = await care()
  const spec = { kind: 'service', argv: [], priority: 5, attempts: 1, service: { name: 'nobody', generation: 1 } } as const
  expect(() => caretaker.begin({ task: taskOf('nobody', 1), epoch: 1, spec: { ...spec, argv: [] } }, dir)).toThrow(/belongs to no service/)
})
