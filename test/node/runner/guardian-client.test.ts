// Runs of real processes under a real guardian: how they end, and that nothing of them is left.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readLog } from '../../../node/runner/output-log.ts'
import { readProcess } from '../../../node/runner/process-sweep.ts'
import { createRunLab, processesWith } from '../../support/run-lab.ts'
import { until } from '../../support/until.ts'

const lab = createRunLab()
afterAll(() => lab.close())

/** A number of seconds that no other process on the machine sleeps for. */
let unique = 0
const seconds = (): string => `${7000 + (process.pid % 1000)}.${unique++}1`

test('a command runs, its output is logged by stream, and its exit code is reported', async () => {
  const end = await lab.run(lab.order('exit-7', ['sh', '-c', 'echo out; echo err >&2; exit 7']))
  expect(end).toMatchObject({ id: 'exit-7', exitCode: 7, timedOut: false, logSize: 8, droppedBytes: 0 })
  expect(await lab.output('exit-7', 1)).toBe('out\n')
  expect(await lab.output('exit-7', 2)).toBe('err\n')
})

test('a command that a signal ends is reported with the signal and without an exit code', async () => {
  const end = await lab.run(lab.order('by-signal', ['sh', '-c', 'kill -USR1 $$']))
  expect(end.signal).toBe('SIGUSR1')
  expect(end).not.toHaveProperty('exitCode')
})

test('the environment holds what the order gives and the two marks, nothing of the node', async () => {
  await lab.run(lab.order('env', ['/usr/bin/env'], { env: { ONLY: 'this' } }))
  const lines = (await lab.output('env'))
    .trim()
    .split('\n')
    .map((line) => line.replace(/=[0-9a-f]{32}$/, '=#'))
    .toSorted()
  expect(lines).toEqual(['NIMBUS_DATA_ID=#', 'NIMBUS_RUN=env', 'ONLY=this'])
})

test('standard input is empty, or the named file', async () => {
  writeFileSync(join(lab.dir, 'input'), 'given')
  await lab.run(lab.order('stdin-none', ['cat']))
  await lab.run(lab.order('stdin-file', ['cat'], { stdinFile: join(lab.dir, 'input') }))
  expect(await lab.output('stdin-none')).toBe('')
  expect(await lab.output('stdin-file')).toBe('given')
})

test('a missing command is refused by name, with a cure', async () => {
  await expect(lab.runner.start(lab.order('none', ['no-such-command-xyz'], { env: { PATH: '/bin' } }))).rejects.toMatchObject({
    code: 'command-not-found',
    message: 'The command "no-such-command-xyz" was not found in /bin.',
    cure: expect.stringContaining('Install it'),
  })
  expect(lab.runner.running()).toEqual([])
})

test('a missing folder, a file that is not executable and a bad name are each refused for what they are', async () => {
  await expect(lab.runner.start(lab.order('no-cwd', ['true'], { cwd: '/no/such/folder' }))).rejects.toMatchObject({
    code: 'folder-missing',
  })
  writeFileSync(join(lab.dir, 'plain'), 'text')
  await expect(lab.runner.start(lab.order('no-exec', [join(lab.dir, 'plain')]))).rejects.toMatchObject({ code: 'command-not-executable' })
  await expect(lab.runner.start(lab.order('../up', ['true']))).rejects.toMatchObject({ code: 'run-id-invalid' })
  await expect(lab.runner.start(lab.order('empty', []))).rejects.toMatchObject({ code: 'command-missing' })
})

test('a run of a name that is running already is refused, and the running one stays', async () => {
  await lab.runner.start(lab.order('twice', ['sleep', seconds()]))
  await expect(lab.runner.start(lab.order('twice', ['true']))).rejects.toMatchObject({ code: 'run-exists' })
  expect(lab.runner.running()).toEqual(['twice'])
  await lab.runner.stop('twice', { graceMs: 500, reason: 'test over' })
  expect(await lab.ended('twice')).toMatchObject({ signal: 'SIGTERM', stopped: 'test over' })
})

test('a run whose time is over is ended and says so', async () => {
  const end = await lab.run(lab.order('slow', ['sleep', seconds()], { timeoutMs: 150 }))
  expect(end).toMatchObject({ timedOut: true, signal: 'SIGTERM' })
  expect(await lab.output('slow', 3)).toBe('The run was ended, because its 150 ms were over.\n')
})

test('a command that ignores SIGTERM is killed after the grace', async () => {
  await lab.runner.start(lab.order('deaf', ['sh', '-c', `trap "" TERM; echo ready; while :; do sleep 0.05; done`]))
  await until(async () => (await lab.output('deaf')) === 'ready\n')
  const before = performance.now()
  await lab.runner.stop('deaf', { graceMs: 200, reason: 'cancelled' })
  const tookMs = performance.now() - before
  expect(await lab.ended('deaf')).toMatchObject({ signal: 'SIGKILL', stopped: 'cancelled' })
  expect(tookMs).toBeGreaterThan(190)
})

test('a command behind a shell gets the grace, although the shell itself goes at once', async () => {
  const inner = `trap "sleep 0.2; echo tidied; exit" TERM; echo ready; while :; do sleep 0.02; done`
  await lab.runner.start(lab.order('behind', ['sh', '-c', `sh -c '${inner}'; :`]))
  await until(async () => (await lab.output('behind')) === 'ready\n')
  await lab.runner.stop('behind', { graceMs: 5_000, reason: 'drained' })
  expect(await lab.ended('behind')).toMatchObject({ stopped: 'drained', signal: 'SIGTERM' })
  expect(await lab.output('behind')).toBe('ready\ntidied\n')
})

test('a stop that overtakes the start still ends the run', async () => {
  const started = lab.runner.start(lab.order('overtaken', ['sleep', seconds()]))
  await lab.runner.stop('overtaken', { graceMs: 100, reason: 'changed my mind' })
  await started
  expect(await lab.ended('overtaken')).toMatchObject({ stopped: 'changed my mind' })
})

test('background children of a finished command are gone before its end is reported', async () => {
  const time = seconds()
  const end = await lab.run(lab.order('forks', ['sh', '-c', `for i in 1 2 3 4 5; do sleep ${time} & done; exit 0`]))
  expect(end.exitCode).toBe(0)
  expect(processesWith(time)).toEqual([])
})

test('daemonised grandchildren in sessions of their own are gone before the end is reported', async () => {
  const time = seconds()
  const end = await lab.run(
    lab.order('daemon', ['sh', '-c', `setsid -f sh -c "trap '' TERM HUP; setsid -f sleep ${time}; sleep ${time}"; sleep 0.2; exit 3`]),
  )
  expect(end.exitCode).toBe(3)
  expect(end).not.toHaveProperty('error')
  expect(processesWith(time)).toEqual([])
})

test('a chain of daemons, each of which starts the next and goes, is caught', async () => {
  const chain = join(lab.dir, 'chain.sh')
  // The file `halt` is for the case that this test fails: nothing may run on for ever.
  writeFileSync(chain, `#!/bin/sh\n[ -e ${join(lab.dir, 'halt')} ] || setsid -f ${chain}\n`, { mode: 0o755 })
  try {
    const end = await lab.run(lab.order('chain', ['sh', '-c', `${chain}; sleep 0.1`]))
    expect(end).not.toHaveProperty('error')
    expect(processesWith(chain)).toEqual([])
  } finally {
    writeFileSync(join(lab.dir, 'halt'), '')
  }
})

test('200 MB of output leave a bounded log, an exact tail and a count of the rest', async () => {
  const total = 200 * 1024 * 1024
  const guardian = JSON.parse(readFileSync(join(lab.dir, 'guardian.json'), 'utf8')).pid
  const before = performance.now()
  const end = await lab.run(
    lab.order('flood', ['sh', '-c', `head -c ${total} /dev/zero | tr '\\0' x; printf END`], { logBytesMax: 100_000, tailBytesMax: 10 }),
  )
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${guardian}/status`, 'utf8'))?.[1]
  process.stdout.write(
    `200 MB of output: ${Math.round(performance.now() - before)} ms, guardian's peak ${Math.round(Number(peak) / 1024)} MB\n`,
  )
  expect(end.tail).toBe('xxxxxxxEND')
  expect((await lab.output('flood')).length).toBe(100_000)
  expect(end.droppedBytes).toBe(total + 3 - 100_000)
  expect(await lab.output('flood', 3)).toBe('The log is full at 100000 bytes; what follows is counted, not kept.\n')
  expect(Number(peak) / 1024).toBeLessThan(200)
})

test('a tail that begins inside a character leaves that character out', async () => {
  const end = await lab.run(lab.order('utf8', ['printf', 'ää€'], { tailBytesMax: 4 }))
  expect(end.tail).toBe('€')
})

test('a follower sees output while the command runs, and ends with it', async () => {
  const order = lab.order('follow', ['sh', '-c', 'echo one; while [ ! -e go ]; do sleep 0.02; done; echo two'])
  await lab.runner.start(order)
  const seen: string[] = []
  for await (const chunk of readLog(order.logFile, { from: 0, follow: lab.runner.follow('follow') })) {
    seen.push(Buffer.from(chunk.bytes).toString())
    if (seen.length === 1) writeFileSync(join(lab.dir, 'go'), '')
  }
  expect(seen).toEqual(['one\n', 'two\n'])
})

test('work freezes when the lease runs out, thaws when it is renewed, and its time stands still meanwhile', async () => {
  const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
  const time = seconds()
  lab.runner.lease('term', nowMs() + 400)
  const { pid } = await lab.runner.start(lab.order('leased', ['sleep', '0.8'], { timeoutMs: 3_000, lease: 'term' }))
  const daemon = await lab.runner.start(
    lab.order('daemon-leased', ['sh', '-c', `setsid -f sleep ${time}; sleep ${time}`], { lease: 'term' }),
  )
  const free = await lab.runner.start(lab.order('free', ['sleep', seconds()]))
  await until(() => readProcess(pid)?.state === 'T', { what: 'the freeze' })
  await until(
    () => processesWith(`sleep\0${time}`).length === 2 && processesWith(`sleep\0${time}`).every((each) => readProcess(each)?.state === 'T'),
  )
  expect(readProcess(daemon.pid)?.state).toBe('T')
  expect(readProcess(free.pid)?.state).toBe('S')
  lab.runner.lease('term', nowMs() + 60_000)
  const end = await lab.ended('leased')
  expect(end).toMatchObject({ exitCode: 0, timedOut: false })
  expect(await lab.output('leased', 3)).toBe(
    'The run is frozen, because the lease of its node ran out.\nThe run goes on: the lease was renewed.\n',
  )
  await lab.runner.stop('daemon-leased', { graceMs: 100, reason: 'test over' })
  await lab.runner.stop('free', { graceMs: 100, reason: 'test over' })
})

test('a run that starts after the lease ran out does nothing until it is renewed, and can be stopped', async () => {
  lab.runner.lease('term', 1)
  const { pid } = await lab.runner.start(lab.order('late', ['sleep', seconds()], { lease: 'term' }))
  await until(() => readProcess(pid)?.state === 'T', { what: 'the freeze' })
  await lab.runner.stop('late', { graceMs: 60_000, reason: 'lost' })
  expect(await lab.ended('late')).toMatchObject({ signal: 'SIGKILL', stopped: 'lost' })
})

test('twenty runs at once all end, each with its own code', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `many-${index}`)
  const ends = await Promise.all(ids.map((id, index) => lab.run(lab.order(id, ['sh', '-c', `exit ${index}`]))))
  expect(ends.map((end) => end.exitCode)).toEqual(ids.map((_, index) => index))
})
