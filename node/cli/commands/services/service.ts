// Services: what a worker keeps running. Everything after -- is the command; `{port}` in it stands for the port.
import type { Command } from 'commander'
import type { ServiceView } from '../../../../protocols/http/services.ts'
import type { Page } from '../../../../protocols/http/views.ts'
import { createHoldingClock, sleep } from '../../../kernel/clock.ts'
import { formatDuration, parseDuration } from '../../../kernel/durations.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import type { Client } from '../../client.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { EXIT } from '../../exit-codes.ts'
import { collect, duration, oneOf, parsePairs, taskIdText, wholeNumber } from '../../options.ts'
import { shipInputs } from '../../tasks/ship-inputs.ts'
import { showServiceLog } from './service-log.ts'
import { renderService, renderServices } from './service-tables.ts'

const PORT_MAX = 65_535
const LOOK_MS = 100
const WAIT = '2m'

export function addServiceCommands(program: Command, action: Action): void {
  const service = program.command('service').description('what a worker keeps running: start, bring forward, go back')
  addStart(service, action)
  service
    .command('ls')
    .description('all services of the mesh')
    .action(
      action(async (cli) => {
        const items = await listServices(await createClient(cli))
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No services. Start one: nimbus service start NAME -- COMMAND' : renderServices(cli, items))
      }),
    )
  service
    .command('show <name>')
    .description('one service: where it answers, its revisions, what was not taken and why')
    .action(action(async (cli, [name = '']) => show(cli, await find(await createClient(cli), name))))
  service
    .command('logs <name>')
    .description('what it writes')
    .option('-f, --follow', 'go on as it writes more, also on the next worker')
    .action(
      action(async (cli, [name = ''], { follow }) => {
        const client = await createClient(cli)
        await showServiceLog(cli, client, (await find(client, name)).task, follow === true)
      }),
    )
  addVerbs(service, action)
}

function addStart(service: Command, action: Action): void {
  service
    .command('start')
    .argument('<name>', 'its name in the mesh: small letters, digits and -')
    .argument('[command...]', 'the command and its words, after --; {port} stands for the port')
    .usage('NAME [--repo URL | --dir PATH | --artifact HASH | --task ID] [OPTIONS] -- COMMAND [WORDS]')
    .description('start a service, or bring a running one forward: the new revision takes over once it is healthy')
    .option('--repo <url>', 'repository to run in; its nimbus.yaml may say the command')
    .option('--ref <ref>', 'branch, tag or commit of it')
    .option('--build', 'build the repository first')
    .option('--dir <path>', 'ship this folder: it is where the command runs')
    .option('--artifact <hash>', 'a file by its hash: a tar is unpacked; HASH=PATH puts it there', collect)
    .option('--task <id>', 'the files that this task left', taskIdText('--task'))
    .option('--worker <worker>', 'on this worker (default: this node)')
    .option('--pool <pool>', 'on a worker of this pool; it moves when that one dies')
    .option('--skill <skill>', 'on a worker that can do this', collect)
    .option('--label <k=v>', 'on a worker with this label', collect)
    .option('--any', 'on any worker')
    .option('--port <port>', 'auto, or the port that stays', portText)
    .option('--protocol <protocol>', 'http, or tcp: connections as they are', oneOf('--protocol', ['http', 'tcp']))
    .option('--health <path>', 'a path that answers 2xx or 3xx when it is healthy (default: its port is open)')
    .option(
      '--health-timeout <duration>',
      'a revision that is not healthy by then is not taken (default 60s)',
      duration('--health-timeout'),
    )
    .option('--drain <duration>', 'the one before may finish its answers for so long (default 10s)', duration('--drain'))
    .option('--restart <policy>', 'always, on-failure or never', oneOf('--restart', ['always', 'on-failure', 'never']))
    .option('--env <k=v>', 'a variable of its environment', collect)
    .option('--secret <name>', 'a secret of the mesh, as the variable NAME of its environment', collect)
    .option('--sandbox <tier>', 'process, or none', oneOf('--sandbox', ['process', 'none']))
    .option('--lost-after <duration>', 'run it elsewhere where its worker is unheard for this long', duration('--lost-after'))
    .option('--wait <duration>', `wait for it to be live for so long (default ${WAIT}; 0s: not at all)`, duration('--wait'), WAIT)
    .action(action(async (cli, words, options) => start(cli, words, options)))
}

async function start(cli: Cli, [name = '', ...words]: string[], options: Record<string, unknown>): Promise<number> {
  const { artifact, skill, label, env, secret, wait, dir, ...same } = options
  const client = await createClient(cli)
  const given = {
    ...same,
    name,
    argv: cli.rest ?? words,
    files: (artifact as string[] | undefined)?.map(fileOf),
    skills: skill,
    labels: parsePairs(label as string[] | undefined, '--label'),
    env: parsePairs(env as string[] | undefined, '--env'),
    secrets: secret,
  }
  const request = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const started = await client.post<ServiceView>('/api/services', await shipInputs(cli, client, request, { dir }))
  return arrived(cli, await waitFor(client, started, wait as string, isThere), started.revision)
}

function addVerbs(service: Command, action: Action): void {
  const wait = (command: Command): Command =>
    command.option('--wait <duration>', `wait for so long (default ${WAIT}; 0s: not at all)`, duration('--wait'), WAIT)
  wait(service.command('restart <name>').description('start it anew as it is, without a gap')).action(
    action(async (cli, [name = ''], options) => {
      const client = await createClient(cli)
      const before = await find(client, name)
      const after = await client.post<ServiceView>(`${pathOf(name)}/restart`)
      const isNew = (now: ServiceView): boolean => isThere(now) && now.since !== before.since
      return arrived(cli, await waitFor(client, after, options['wait'] as string, isNew), after.revision)
    }),
  )
  wait(service.command('rollback <name>').description('go back to the revision before, or to one that is named'))
    .option('--to <revision>', 'this revision', wholeNumber('--to', 1, Number.MAX_SAFE_INTEGER))
    .action(
      action(async (cli, [name = ''], { to, wait: patience }) => {
        const client = await createClient(cli)
        const after = await client.post<ServiceView>(`${pathOf(name)}/rollback`, to === undefined ? {} : { revision: to })
        return arrived(cli, await waitFor(client, after, patience as string, isThere), after.revision)
      }),
    )
  wait(service.command('stop <name>').description('stop it: it finishes what it answers')).action(
    action(async (cli, [name = ''], options) => {
      const client = await createClient(cli)
      const after = await client.post<ServiceView>(`${pathOf(name)}/stop`)
      const now = await waitFor(client, after, options['wait'] as string, ({ state }) => state === 'stopped')
      if (cli.globals.json) cli.printJson(now)
      else cli.print(now.state === 'stopped' ? `${name} is stopped.` : `${name} is still stopping.`)
    }),
  )
  service
    .command('rm <name>')
    .description('forget a stopped service; its folder stays on its worker')
    .action(
      action(async (cli, [name = '']) => {
        await (await createClient(cli)).delete(pathOf(name))
        if (cli.globals.json) cli.printJson({ removed: name })
        else cli.print(`${name} is removed.`)
      }),
    )
}

/** Whether what is wanted is live, or was found not to be fit. */
function isThere({ state, live, revision, failed }: ServiceView): boolean {
  return (state === 'running' && live === revision) || failed?.revision === revision || state === 'ended'
}

function arrived(cli: Cli, now: ServiceView, revision: number): number {
  if (cli.globals.json) cli.printJson(now)
  if (now.failed?.revision === revision || now.state === 'ended') {
    const kept = now.live === undefined ? 'Nothing of it runs.' : `Revision ${now.live} stays.`
    throw new NimbusError(
      'not-taken',
      `Revision ${revision} of ${now.name} was not taken: ${now.failed?.reason ?? now.reason ?? 'it ended'}. ${kept}`,
      {
        cure: `nimbus service logs ${now.name}`,
      },
    )
  }
  if (cli.globals.json) return EXIT.done
  if (now.live === revision) cli.print(`${now.name} is live at ${now.address ?? '?'} on ${now.workerName ?? '?'} (revision ${revision})`)
  else cli.print(`${now.name} is ${now.state}; nimbus service show ${now.name} tells more.`)
  return EXIT.done
}

async function waitFor(client: Client, first: ServiceView, wait: string, done: (now: ServiceView) => boolean): Promise<ServiceView> {
  const clock = createHoldingClock()
  const deadline = clock.nowMs() + (parseDuration(wait) ?? 0)
  let now = first
  while (!done(now) && clock.nowMs() < deadline) {
    await sleep(clock, LOOK_MS)
    now = await find(client, first.name)
  }
  return now
}

async function listServices(client: Client): Promise<ServiceView[]> {
  const items: ServiceView[] = []
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page: Page<ServiceView> = await client.get(`/api/services?limit=500${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`)
    items.push(...page.items)
    next = page.next
  }
  return items
}

function show(cli: Cli, item: ServiceView): void {
  if (cli.globals.json) cli.printJson(item)
  else cli.print(renderService(cli, item, (ms) => formatDuration(Math.max(0, cli.now() - ms))))
}

function find(client: Client, name: string): Promise<ServiceView> {
  return client.get(pathOf(name))
}

function pathOf(name: string): string {
  return `/api/services/${encodeURIComponent(name)}`
}

function portText(text: string): number | undefined {
  return text === 'auto' ? undefined : wholeNumber('--port', 1, PORT_MAX)(text)
}

function fileOf(text: string): { path: string; hash: string; size: number } {
  const [, hash = '', path] = /^([0-9a-f]{64})(?:=(.+))?$/s.exec(text) ?? []
  if (hash !== '') return { hash, path: path ?? 'artifact', size: 0 }
  throw new NimbusError('usage', `--artifact is ${JSON.stringify(text.slice(0, 80))}; it takes HASH or HASH=PATH.`, {
    kind: 'usage',
    cure: 'nimbus artifact ls shows the hashes of what a task left.',
  })
}
