// The helper process of a clone: one order in; steps, then the result or the error, out.
import { pathToFileURL } from 'node:url'
import type { Checkout } from '../../protocols/repos/checkout.ts'
import { createSystemClock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import { serveHelper } from '../runner/commands/helper-process.ts'
import type { RepoCredential } from './auth/credential.ts'
import { withHttpLogin } from './auth/http-login.ts'
import { withSsh } from './auth/ssh-login.ts'
import { askServer, listOverSsh, listWithGit, type Target, targetOf } from './ask-server.ts'
import { checkTree, type TreeLook } from './check-tree.ts'
import { type FetchedTree, fetchTree } from './fetch-tree.ts'
import { cloneFault } from './clone-fault.ts'
import { createGit, type GitAccess } from './system/git-command.ts'
import { createGitHttp } from './git-http.ts'
import { fetchMirror } from './kept/mirror.ts'
import type { FetchStep } from './progress.ts'
import { modulesIn } from './modules/gitlinks.ts'
import type { Module } from './modules/module-address.ts'
import { findWanted, type Near } from './near/near.ts'
import { isMesh, isSsh } from './repo-url.ts'
import { fetchWithSystemGit } from './system/system-git.ts'

export type CloneOrder = {
  url: string
  ref: string | undefined
  dir: string
  /** `dir` is a mirror of all branches and tags; nothing is checked out. */
  mirror: boolean
  /** How much of it. */
  checkout: Checkout
  /** A mirror on this machine that may have what is wanted. */
  from: string | undefined
  /** Who else may have it. */
  near: readonly Near[]
  receivedBytesMax: number
  treeBytesMax: number
  /** The machine's git, where it is to be used. */
  gitFile: string | undefined
  credential: RepoCredential | undefined
  /** Where the keys of SSH hosts are kept. */
  knownHosts: string
  /** How git reaches the repositories of the mesh; from a mirror there the objects come sooner. */
  mesh: GitAccess | undefined
}
/** `modules`: the submodules that it names. `authorized`: the server wanted to know who asks. */
export type Within = { modules: Module[]; authorized: boolean }
type Fetched = FetchedTree & { authorized: boolean; told?: readonly string[] }
export type CloneFault = { code: string; message: string; kind: NimbusError['kind']; cure: string | undefined }
export type CloneMessage = { step: FetchStep } | { done: FetchedTree & TreeLook & Within } | { fault: CloneFault }

/** A new phase is told at once, progress within it ten times a second. */
const STEP_MS = 100

serveHelper<CloneOrder, CloneMessage>(async (order, tell) => {
  try {
    const { told = [], ...tree } = await fetched(
      order,
      throttled((step) => tell({ step })),
    )
    if (order.mirror) return tell({ done: { ...tree, files: 0, bytes: 0, notes: [], missing: [], modules: [] } })
    const { dir, gitFile, checkout } = order
    const look = await checkTree(dir)
    tell({ step: { phase: 'Updating workdir', loaded: look.files, total: look.files } })
    const modules = await modulesIn(dir, tree.commit, gitFile === undefined ? undefined : createGit(gitFile, dir), checkout.sparse)
    tell({ done: { ...tree, ...look, notes: [...told, ...look.notes], modules } })
  } catch (error) {
    const { code, message, kind, cure } = cloneFault(order, error)
    tell({ fault: { code, message: masked(message, order.credential), kind, cure } })
  }
})

async function fetched(order: CloneOrder, onProgress: (step: FetchStep) => void): Promise<Fetched> {
  const { url, credential } = order
  if (isSsh(url)) {
    const authorized = credential?.secret !== undefined || credential?.agentSocket !== undefined
    return { ...(await fetchedOverSsh(order, onProgress)), authorized }
  }
  return isMesh(url) ? { ...(await fetchedFromMesh(order, onProgress)), authorized: false } : fetchedOverHttp(order, onProgress)
}

async function fetchedOverHttp(order: CloneOrder, onProgress: (step: FetchStep) => void): Promise<Fetched> {
  const { gitFile, url, ref } = order
  const http = createGitHttp(order)
  const byBuiltin = async (): Promise<Fetched> => {
    const tree = await fetchTree(http, order, (step) => onProgress({ ...step, bytes: http.received() }))
    return { ...tree, authorized: http.authorization(url) !== undefined }
  }
  if (gitFile === undefined) return byBuiltin()
  const ask = (): Promise<Target> =>
    askServer(http, url, ref).catch((error: unknown) => {
      throw cloneFault(order, error)
    })
  const { target, near, notes: told, unreachable } = await findWanted(ask, url, order.mirror ? [] : order.near)
  return withHttpLogin(target.url, http.authorization(target.url), async (access) => {
    const authorized = http.authorization(url) !== undefined
    if (access !== undefined) {
      const reached = { gitFile, target, access, near: order.mirror ? order.near : near, unreachable }
      return { ...(await bySystem(order, reached, onProgress)), authorized, told }
    }
    if (order.mirror)
      throw new NimbusError('repo-auth-in-clear', 'This system has no place where git could be shown the credentials unseen.')
    return byBuiltin()
  })
}

function bySystem(
  order: CloneOrder,
  reached: { gitFile: string; target: Target; access: GitAccess; near?: readonly Near[]; unreachable?: Error | undefined },
  onProgress: (step: FetchStep) => void,
): Promise<FetchedTree> {
  const { near = [] } = reached
  if (order.mirror) return fetchMirror({ ...order, ...reached, near }, onProgress)
  const { commit } = reached.target
  const here = order.from === undefined ? [] : [{ address: pathToFileURL(order.from).href, name: 'this machine', commit }]
  return fetchWithSystemGit({ ...order, ...reached, near: [...here, ...near] }, onProgress)
}

async function fetchedOverSsh(order: CloneOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  const { gitFile, ref } = order
  if (gitFile === undefined)
    throw new NimbusError('repo-ssh-needs-git', 'Repositories over ssh need git on this machine, and it has none or may not use it.', {
      kind: 'refused',
      cure: 'Install git, or use the https address of the repository.',
    })
  return withSsh({ ...order, url: new URL(order.url) }, async (access) => {
    const target = targetOf(order.url, await listOverSsh(createGit(gitFile, '/', access), order), ref)
    return bySystem(order, { gitFile, target, access }, onProgress)
  })
}

async function fetchedFromMesh(order: CloneOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  const { gitFile, url, ref, mesh } = order
  if (gitFile === undefined || mesh === undefined)
    throw new NimbusError('repo-mesh-needs-git', 'Repositories of the mesh need git on this machine, and it has none or may not use it.', {
      kind: 'refused',
      cure: 'Install git on this worker.',
    })
  const target = targetOf(url, await listWithGit(createGit(gitFile, '/', mesh), order, meshFault), ref)
  return bySystem(order, { gitFile, target, access: mesh }, onProgress)
}

/** What the helper said of it stands before what git makes of that. */
function meshFault(stderr: string): NimbusError | undefined {
  const [, message, cure] = /^nimbus: (.+)\n(?: {2}(.+)\n)?/m.exec(stderr) ?? []
  return message === undefined
    ? undefined
    : new NimbusError('repo-not-read', message, { kind: 'unreachable', ...(cure === undefined ? {} : { cure }) })
}

function throttled(tell: (step: FetchStep) => void): (step: FetchStep) => void {
  const clock = createSystemClock()
  let phase = ''
  let toldAt = 0
  return (step) => {
    const nowMs = clock.nowMs()
    if (step.phase === phase && step.loaded !== step.total && nowMs - toldAt < STEP_MS) return
    phase = step.phase
    toldAt = nowMs
    tell(step)
  }
}

/** A server may repeat what it was shown. */
function masked(message: string, { secret = '', user = '' }: RepoCredential = {}): string {
  if (secret === '') return message
  const forms = [secret, Buffer.from(`${user}:${secret}`).toString('base64'), Buffer.from(secret).toString('base64')]
  return forms.reduce((text, one) => text.replaceAll(one, '***'), message)
}
