// Every option of `task publish` becomes what it means in the request, and a wrong value is refused with option, value and cure.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Served } from '../api/serve.ts'
import { serveFake } from '../api/serve.ts'
import { runCli } from './run-cli.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

const publish = (...args: string[]) => runCli(['--data', served.dataDir, 'task', 'publish', ...args])
const A = '0123456789abcdefghjkmnpqrs'
const B = '0123456789abcdefghjkmnpqrt'

const OPTIONS: [string[], Record<string, unknown>][] = [
  [['--name', 'a name'], { name: 'a name' }],
  [['--repo', 'https://example.org/r.git', '--ref', 'main'], { repo: 'https://example.org/r.git', ref: 'main' }],
  [['--env', 'A=b=c', '--env', 'B='], { env: { A: 'b=c', B: '' } }],
  [
    ['--repo', 'ssh://git@h/r', '--repo-secret', 'TOKEN', '--repo-user', 'ada'],
    { repo: 'ssh://git@h/r', repoAuth: { secret: 'TOKEN', user: 'ada' } },
  ],
  [['--secret', 'TOKEN', '--secret', 'KEY'], { secrets: ['TOKEN', 'KEY'] }],
  [['--artifact', 'dist/**', '--artifact', '*.xml'], { artifacts: ['dist/**', '*.xml'] }],
  [['--budget', '2.50'], { budgetUsd: 2.5 }],
  [['--worker', 'box'], { worker: 'box' }],
  [['--skill', 'a', '--skill', 'b'], { skills: ['a', 'b'] }],
  [['--role', 'a'], { roles: ['a'] }],
  [['--pool', 'p'], { pool: 'p' }],
  [['--label', 'k=v'], { labels: { k: 'v' } }],
  [['--group', 'default'], { group: 'default' }],
  [['--claim', 'available', '--reconcile', 'newest'], { claim: 'available', reconcile: 'newest' }],
  [
    ['--concurrency', 'db=2', '--concurrency', 'x=y=1'],
    {
      concurrency: [
        { key: 'db', limit: 2 },
        { key: 'x=y', limit: 1 },
      ],
    },
  ],
  [['--rate', 'mail=10/1m'], { rate: [{ key: 'mail', limit: 10, per: '1m' }] }],
  [['--priority', '9'], { priority: 9 }],
  [['--delay', '5s'], { delay: '5s' }],
  [['--after', A, '--after', B, '--after-any'], { after: [A, B], afterAny: true }],
  [['--dedupe', 'once'], { dedupe: 'once' }],
  [['--attempts', '3', '--backoff', '1s', '--backoff-max', '1m'], { attempts: 3, backoff: '1s', backoffMax: '1m' }],
  [['--timeout', '1m'], { timeout: '1m' }],
  [['--queue-timeout', '1m'], { queueTimeout: '1m' }],
  [['--start-timeout', '1m'], { startTimeout: '1m' }],
  [['--heartbeat-timeout', '1m'], { heartbeatTimeout: '1m' }],
  [['--lost-after', '1m'], { lostAfter: '1m' }],
]

it.each(OPTIONS)('%j', async (args, spec) => {
  const ran = await publish(...args, '--', 'x')
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect(served.node.task(ran.stdout.trim())?.spec).toEqual({ kind: 'shell', argv: ['x'], priority: 5, attempts: 1, ...spec })
})

it('--kind noop needs no command', async () => {
  const ran = await publish('--kind', 'noop')
  expect(served.node.task(ran.stdout.trim())?.spec).toMatchObject({ kind: 'noop', argv: [] })
})

const WRONG: [string[], string][] = [
  [['--kind', 'noop', '--', 'x'], '--kind noop takes no command, and one is given: "x".'],
  [['--kind', 'python', '--', 'x'], '--kind is "python"; it takes shell or build or noop.'],
  [['--claim', 'maybe', '--', 'x'], '--claim is "maybe"; it takes exclusive or available.'],
  [['--reconcile', 'best', '--', 'x'], '--reconcile is "best"; it takes first or newest or original or longest.'],
  [['--budget', '-1', '--', 'x'], '--budget is "-1"; it takes an amount from 0 to 1000000, as 2.50.'],
  [['--concurrency', 'db', '--', 'x'], '--concurrency is "db"; it takes KEY=N with N from 1 to 100000, as database=2.'],
  [['--concurrency', 'db=0', '--', 'x'], '--concurrency is "db=0"; it takes KEY=N'],
  [['--rate', 'mail=10', '--', 'x'], '--rate is "mail=10"; it takes KEY=N/D with N from 1 to 100000 and D a duration, as mail=10/1m.'],
  [['--rate', 'mail=10/soon', '--', 'x'], '--rate is "mail=10/soon"; it takes KEY=N/D'],
  [['--after', 'yesterday', '--', 'x'], '--after is "yesterday"; it takes the ID of a task'],
  [['--backoff', 'long', '--', 'x'], '--backoff is "long"; it takes a duration such as 500ms, 30s, 15m or 7d.'],
  [['--secret', 'a b', '--', 'x'], 'secrets.0'],
]

it.each(WRONG)('%j is refused', async (args, words) => {
  const ran = await publish(...args)
  expect(ran).toMatchObject({ code: 2, stdout: '' })
  expect(ran.stderr).toContain(words)
})
