// Files that tasks left: look at them, fetch them. Their paths are a worker's word: nothing is written outside of the folder.
import type { Command } from 'commander'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ProvenanceView } from '../../../../protocols/builds/build-views.ts'
import type { ArtifactView } from '../../../../protocols/http/views.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { formatBytes } from '../../../kernel/sizes.ts'
import type { Client } from '../../client.ts'
import { createClient } from '../../client.ts'
import type { Action } from '../../context.ts'
import { renderTable } from '../../table.ts'

const HASH = /^[0-9a-f]{64}$/

export function addArtifactCommands(program: Command, action: Action): void {
  const artifact = program.command('artifact').description('files that tasks left')
  artifact
    .command('ls <task>')
    .description('files of a task')
    .action(
      action(async (cli, [task = '']) => {
        const items = await artifactsOf(await createClient(cli), task)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else if (items.length === 0) cli.print('It left no files. A task keeps those that its --artifact names.')
        else
          cli.print(
            renderTable(
              cli.io,
              [{ title: 'FILE', gives: true }, { title: 'SIZE', right: true }, { title: 'HASH' }],
              items.map(({ path, size, hash }) => [path, formatBytes(size), hash]),
            ),
          )
      }),
    )
  addVerify(artifact, action)
  artifact
    .command('get <task> [path]')
    .description('fetch the files of a task, or one of them')
    .option('-o, --output <dir>', 'into this folder', '.')
    .action(
      action(async (cli, [task = '', path], { output }) => {
        const client = await createClient(cli)
        const all = await artifactsOf(client, task)
        const wanted = path === undefined ? all : all.filter((item) => item.path === path)
        if (wanted.length === 0)
          throw new NimbusError('artifact-unknown', `Task ${task} left no file${path === undefined ? '' : ` ${JSON.stringify(path)}`}.`, {
            kind: 'missing',
            cure: `nimbus artifact ls ${task} lists them.`,
          })
        const dir = isAbsolute(String(output)) ? String(output) : join(cli.io.workDir, String(output))
        for (const item of wanted) {
          await fetchFile(client, item, dir)
          if (cli.globals.json) cli.printJson(item)
          else cli.note(`${safe(item.path)} (${formatBytes(item.size)})`)
        }
      }),
    )
}

function addVerify(artifact: Command, action: Action): void {
  artifact
    .command('verify <hash>')
    .description('who built a file, from which commit: refused unless signature, signer and content are right')
    .action(
      action(async (cli, [named = '']) => {
        // A file on this machine may be named as well: its content is its hash.
        const file = isAbsolute(named) ? named : join(cli.io.workDir, named)
        const hash = HASH.test(named) ? named : await hashOf(file).catch(() => noHash(named))
        const client = await createClient(cli)
        const found = await client.get<ProvenanceView>(`/api/artifacts/${hash}/provenance`)
        if (cli.globals.json) return cli.printJson(found)
        cli.print(`verified  ${safe(found.path)} (${formatBytes(found.size)})`)
        cli.print(`built by  ${safe(found.workerName)} (${found.worker}), ${safe(found.finishedAt)}`)
        cli.print(`from      ${safe(found.repo ?? 'a shipped folder')}${found.commit === null ? '' : ` at commit ${safe(found.commit)}`}`)
        cli.print(`task      ${found.task}`)
        for (const { uri, digest } of found.materials) cli.print(`with      ${safe(uri)} ${safe(Object.values(digest)[0] ?? '')}`)
        cli.print(`statement ${found.envelope}`)
      }),
    )
}

function noHash(named: string): never {
  throw new NimbusError('usage', `${JSON.stringify(named.slice(0, 100))} is neither the hash of a file nor a file here.`, {
    kind: 'usage',
    cure: 'nimbus artifact ls TASK shows the hashes.',
  })
}

async function artifactsOf(client: Client, task: string): Promise<ArtifactView[]> {
  return (await client.get<{ items: ArtifactView[] }>(`/api/tasks/${encodeURIComponent(task)}/artifacts`)).items
}

/** Beside its place first: half a file never has its name. */
async function fetchFile(client: Client, { path, hash, size }: ArtifactView, dir: string): Promise<void> {
  const place = normalize(join(dir, path))
  const root = normalize(dir).replace(/[/\\]$/, '')
  if (isAbsolute(path) || path.includes('\0') || !place.startsWith(root === '.' ? '' : root + sep) || path.split(/[/\\]/).includes('..'))
    throw new NimbusError('artifact-path', `The file ${JSON.stringify(path.slice(0, 200))} would lie outside ${safe(dir)}.`, {
      kind: 'refused',
      cure: 'A worker named it so; do not trust that worker.',
    })
  const part = `${place}.part`
  await mkdir(dirname(place), { recursive: true })
  // What an earlier call left is gone on with; content that is not what its name promises never gets that name.
  const had = (await stat(part).catch(() => undefined))?.size ?? 0
  const from = had < size ? had : 0
  await pipeline(
    client.bytes(`/api/artifacts/${hash}`, new AbortController().signal, from),
    createWriteStream(part, { flags: from > 0 ? 'a' : 'w' }),
  )
  const content = await hashOf(part)
  if (content !== hash) {
    await rm(part, { force: true })
    throw new NimbusError('artifact-damaged', `The file ${safe(path)} came with the hash ${content}, not ${hash}.`, {
      kind: 'refused',
      cure: 'Fetch it again; what came was thrown away.',
    })
  }
  await rename(part, place)
}

async function hashOf(file: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const bytes of createReadStream(file)) digest.update(bytes as Uint8Array)
  return digest.digest('hex')
}
