// Tasks that publish tasks: the child knows its parent, a parent that waits frees its slot, a cancel goes down, and the token of a
// task opens nothing else.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TaskView } from '../../../protocols/http/views.ts'
import { BIN, createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, PATIENCE_MS, publish, running } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let here: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  here = await mesh.add('here', ['--slots', '1'])
})
afterAll(() => mesh?.close())

const NIMBUS = `${process.execPath} ${BIN}`
const newest = async (count: number): Promise<TaskView[]> => (await here.api<{ items: TaskView[] }>(`/api/tasks?limit=${count}`)).body.items

test('with one slot a parent waits for its child on the same worker, three levels deep', async () => {
  const inner = `${NIMBUS} task run -- echo innermost`
  const middle = `${NIMBUS} task run -- sh -c '${inner}'`
  const done = await here.cli('task', 'run', '--', 'sh', '-c', `echo before; ${middle}; echo after`)
  expect(done).toMatchObject({ code: 0, stdout: 'before\ninnermost\nafter\n' })
  const [child, parent, top] = await newest(3)
  expect([child?.spec['parent'], parent?.spec['parent'], top?.spec['parent']]).toEqual([parent?.id, top?.id, undefined])
})

test('a parent that publishes and waits gets the code of its child', async () => {
  const done = await here.cli('task', 'run', '--', 'sh', '-c', `id=$(${NIMBUS} task publish -- sh -c 'exit 7'); ${NIMBUS} task wait $id`)
  expect(done.code).toBe(7)
})

test('a cancelled parent takes its children with it', async () => {
  const parent = await publish(here, { argv: ['sh', '-c', `${NIMBUS} task publish --delay 1h -- true; ${NIMBUS} task run -- sleep 60`] })
  const child = (await taskChild(parent, (task) => task.state === 'running')).id
  const waiting = (await taskChild(parent, (task) => task.state === 'scheduled')).id
  await running(here, child)
  expect(await here.cli('task', 'cancel', parent)).toMatchObject({ code: 0 })
  for (const id of [parent, child, waiting]) expect((await ended(here, id)).state).toBe('cancelled')
})

test('the token of a task reads its own family, publishes, and nothing else', async () => {
  const stranger = await publish(here, { argv: ['true'] })
  await ended(here, stranger)
  const ask = (path: string, how = ''): string =>
    `curl -s -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $NIMBUS_TOKEN" ${how} $NIMBUS_URL${path}`
  const script = [
    ask('/api/tasks/$NIMBUS_TASK'),
    ask(`/api/tasks/${stranger}`),
    ask(`/api/tasks/${stranger}/log`),
    ask('/api/tasks'),
    ask('/api/mesh'),
    ask('/api/events', '-m 1 -H "Accept: text/event-stream"'),
    ask('/api/tasks/$NIMBUS_TASK/cancel', '-X POST'),
    ask('/api/workers/here/drain', '-X POST'),
  ].join('\n')
  const done = await here.cli('task', 'run', '--', 'sh', '-c', script)
  expect(done.stdout).toBe('200 403 403 403 403 403 403 403 ')
})

test('a family has a limit of depth, which is refused by name', async () => {
  // Each level passes the same script on and waits for the next one.
  const script = `${NIMBUS} task run --env SELF="$SELF" -- sh -c "$SELF"`
  const done = await here.cli('task', 'run', '--env', `SELF=${script}`, '--', 'sh', '-c', script)
  expect(done.code).toBe(125)
  expect(done.stderr).toContain('is 8 levels below the first one; 8 is the limit.')
})

test('a task may publish a thousand, and not one more', async () => {
  const script = `i=0; while [ $i -lt 1001 ]; do echo '{"kind":"noop"}'; i=$((i + 1)); done >many; ${NIMBUS} task publish --file many | wc -l`
  const done = await here.cli('task', 'run', '--', 'sh', '-c', script)
  expect(done.stdout.trim()).toBe('1000')
  expect(done.stderr).toContain('has published 1000 tasks and wants 1 more; 1000 is the limit.')
})

function taskChild(parent: string, fits: (task: TaskView) => boolean): Promise<TaskView> {
  return until(async () => (await newest(20)).find((task) => task.spec['parent'] === parent && fits(task)), {
    what: `a child of ${parent}`,
    timeoutMs: PATIENCE_MS,
  })
}
