// Files that tasks left: look at them, fetch them. Their paths are a worker's word: nothing is written outside of the folder.
import type { Command } from 'commander'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ArtifactView } from '../../../../protocols/http/views.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { formatBytes } from '../../../kernel/sizes.ts'
import type { Client } from '../../client.ts'
import { createClient } from '../../client.ts'
import type { Action } from '../../context.ts'
import { renderTable } from '../../table.ts'

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

async function artifactsOf(client: Client, task: string): Promise<ArtifactView[]> {
  return (await client.get<{ items: ArtifactView[] }>(`/api/tasks/${encodeURIComponent(task)}/artifacts`)).items
}

/** Beside its place first: half a file never has its name. */
async function fetchFile(client: Client, { path, hash }: ArtifactView, dir: string): Promise<void> {
  const place = normalize(join(dir, path))
  const root = normalize(dir).replace(/[/\\]$/, '')
  if (isAbsolute(path) || path.includes('\0') || !place.startsWith(root === '.' ? '' : root + sep) || path.split(/[/\\]/).includes('..'))
    throw new NimbusError('artifact-path', `The file ${JSON.stringify(path.slice(0, 200))} would lie outside ${safe(dir)}.`, {
      kind: 'refused',
      cure: 'A worker named it so; do not trust that worker.',
    })
  const part = `${place}.part`
  await mkdir(dirname(place), { recursive: true })
  try {
    await pipeline(client.bytes(`/api/artifacts/${hash}`, new AbortController().signal), createWriteStream(part))
    await rename(part, place)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
