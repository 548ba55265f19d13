// The repository's own tree behind a git server, and a checkout of it to start nodes from: what a worker that follows it meets.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GitRepo, GitServer } from '../../support/git-http.ts'
import { cleanEnv, HERE, type Place, type RealNode } from '../../support/real-mesh.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** What a node does not need, or what is made anew. */
const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'test', '.ci'])

const HELPER_DIR = join(ROOT, 'node', 'bin')

export type OwnRepo = GitRepo & {
  first: string
  /** Nodes run from a checkout of the first commit. */
  place: Place
}

/** Pushes what was committed into the mesh, with git itself through the remote helper, as the operator of this node. */
export function pushIntoMesh(repo: OwnRepo, node: RealNode): void {
  const env = cleanEnv({
    PATH: `${process.env['PATH']}:${HELPER_DIR}`,
    NIMBUS_DATA: node.dataDir,
    HOME: repo.work,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  })
  execFileSync('git', ['-C', repo.work, 'push', '-q', 'nimbus://mesh/nimbus', 'HEAD:main'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** @param dir where the checkout is put */
export function createOwnRepo(server: GitServer, dir: string): OwnRepo {
  const repo = server.repo('nimbus', {})
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.has(name))
      cpSync(join(ROOT, name), join(repo.work, name), {
        recursive: true,
        filter: (path) => !/\/(node_modules|dist)(\/|$)/.test(path.slice(ROOT.length - 1)),
      })
  const first = repo.commit('the tree as it is', {})
  const base = join(dir, 'base')
  execFileSync('git', ['clone', '-q', repo.bare, base])
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(base, 'node_modules'))
  if (existsSync(join(ROOT, 'web/dist'))) cpSync(join(ROOT, 'web/dist'), join(base, 'web/dist'), { recursive: true })
  return { ...repo, first, place: { ...HERE, bin: join(base, 'node', 'nimbus.js') } }
}
