// The program of new workers from a repository that the mesh hosts: cloned from whoever keeps it, made complete with what this machine
// has, and kept for the next worker. The place where the repository once came from is not asked.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostedRepoView } from '../../../protocols/http/hosted.ts'
import type { WorkerView } from '../../../protocols/http/views.ts'
import { createHoldingClock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { cloneInto } from '../../repos/clone.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { runStep } from '../../runner/commands/run-step.ts'
import { createBlobStore } from '../../store/blobs.ts'
import { createStage } from '../../upgrade/stage/stage.ts'
import { COMMIT_FILE, commitOfTree, OWN_TREE } from '../../upgrade/stage/tree-commit.ts'
import type { Client } from '../client.ts'
import type { Cli } from '../context.ts'
import { readAddress, type RemoteAddress } from '../git/remote-address.ts'

/** The name under which the mesh hosts its own program, where nothing else is said. */
const OWN_REPO = 'nimbus'

export type ProgramWish = {
  /** `nimbus://WORKER/NAME`, with `#BRANCH` or `#COMMIT` behind it; undefined where nothing was said. */
  code: string | undefined
  /** The worker that the new ones are to be like, where one was named. */
  model: WorkerView | undefined
  /** Where versions are kept. */
  versionsDir: string
}

/** The file to start, or undefined where this very program will do. */
export async function programFromMesh(cli: Cli, client: Client, wish: ProgramWish): Promise<string | undefined> {
  const found = await choose(client, wish)
  if (found === undefined) return undefined
  const { address, commit } = found
  const clock = createHoldingClock()
  const environment = Object.fromEntries(Object.entries(cli.io.env).filter((pair): pair is [string, string] => pair[1] !== undefined))
  const stage = createStage({
    clock,
    versionsDir: wish.versionsDir,
    ownTree: OWN_TREE,
    environment,
    clone: async (ref, folder, signal) =>
      (await cloneInto({ url: `nimbus://${address.worker}/${address.repo}`, ref, dir: folder, clock, signal, meshDataDir: cli.dataDir }))
        .commit,
    run: runStep,
    npm: () => findTool('npm', environment['PATH'] ?? '') ?? 'npm',
    blobs: createBlobStore({ dir: join(wish.versionsDir, 'blobs') }),
    fetchBlob: async () => false,
  })
  const dir = stage.dirOf(commit)
  const signal = new AbortController().signal
  const isReady = (await readFile(join(dir, COMMIT_FILE), 'utf8').catch(() => '')).trim() === commit // not there before the first one
  if (!isReady) {
    cli.note(`The program comes from nimbus://${address.worker}/${address.repo} at ${commit.slice(0, 12)}.`)
    await stage.fetch(commit, signal)
    await stage.complete(commit, undefined, signal)
  }
  return join(dir, 'node', 'nimbus.js')
}

async function choose(client: Client, { code, model }: ProgramWish): Promise<{ address: RemoteAddress; commit: string } | undefined> {
  if (code === undefined) {
    // Like that worker is of its version, too, where the mesh has it.
    if (model?.commit === undefined || model.commit === commitOfTree(OWN_TREE)) return undefined
    const { items } = await client.get<{ items: HostedRepoView[] }>('/api/hosted-repos')
    return items.some(({ name }) => name === OWN_REPO) ? { address: { worker: 'mesh', repo: OWN_REPO }, commit: model.commit } : undefined
  }
  const [url = '', version] = code.split('#', 2)
  const address = readAddress(url)
  if (version !== undefined && /^[0-9a-f]{40}$/.test(version)) return { address, commit: version }
  const { head, refs } = await client.get<HostedRepoView>(`/api/hosted-repos/${encodeURIComponent(address.repo)}`)
  const branch = version ?? head
  const commit = refs.find(({ ref }) => ref === `refs/heads/${branch}`)?.commit
  if (commit !== undefined) return { address, commit }
  throw new NimbusError('repo-ref-not-found', `${url} has no branch ${JSON.stringify(branch ?? 'main')}.`, {
    kind: 'missing',
    cure: `nimbus repo hosted ${address.repo} shows its branches.`,
  })
}
