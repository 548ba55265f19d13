// A real git server for tests: bare repositories made on the fly, served by git's own http-backend.
// `/name.git` is public, `/private/name.git` asks for credentials, `/moved/name.git` redirects, `/trap/…` redirects to a bad place, `/stuck/…` never answers.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export type GitServer = {
  url: string
  /** Where the bare repositories are. */
  dir: string
  /** Makes a repository with one commit on `main`; returns how to change it further. */
  repo(name: string, files: Record<string, string | Buffer>): GitRepo
  /** Makes `/NAME/…` ask who is there before it serves the same repositories. */
  door(name: string, door: Omit<Door, 'asked' | 'sent'>): Door
  /** Requests that wait for an answer under `/stuck/`. */
  stuck(): number
  close(): Promise<void>
}

export type Door = {
  /** What it says with its 401. */
  challenge: string
  accepts(authorization: string): boolean
  /** Awaited before a pack is sent. */
  beforePack?(): Promise<void>
  /** What it sends of a pack, at most; may be changed while it sends. */
  bytesPerSecond?: number
  /** Requests so far. */
  asked: number
  /** Bytes of its answers so far. */
  sent: number
}

export type GitRepo = {
  url: string
  bare: string
  /** A clone in which tests may run git. */
  work: string
  /** Runs git in `work`; returns what it printed. */
  git(...args: string[]): string
  /** Writes the files, commits and pushes; returns the commit. */
  commit(message: string, files: Record<string, string | Buffer>): string
  /** Commits a symbolic link. */
  link(path: string, target: string): string
}

const QUIET = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
}

export async function createGitServer(): Promise<GitServer> {
  const dir = mkdtempSync(join(tmpdir(), 'nimbus-git-'))
  let stuck = 0
  const doors = new Map<string, Door>()
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/stuck/')) return void pass(doors, request, response).then((in_) => in_ && answer(dir, request, response))
    stuck++
    response.on('close', () => stuck--)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    dir,
    door(name, door) {
      const made = { ...door, asked: 0, sent: 0 }
      doors.set(name, made)
      return made
    },
    stuck: () => stuck,
    repo: (name, files) => makeRepo(dir, url, name, files),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function makeRepo(dir: string, url: string, name: string, files: Record<string, string | Buffer>): GitRepo {
  const bare = join(dir, `${name}.git`)
  const work = join(dir, `${name}.work`)
  const run = (cwd: string, args: string[]): string =>
    execFileSync('git', args, {
      cwd,
      env: { ...QUIET, PATH: process.env['PATH'] ?? '', HOME: dir },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  run(dir, ['init', '-q', '--bare', '-b', 'main', bare])
  // Whoever reaches it may push.
  run(bare, ['config', 'http.receivepack', 'true'])
  run(dir, ['init', '-q', '-b', 'main', work])
  run(work, ['remote', 'add', 'origin', bare])
  const save = (message: string): string => {
    run(work, ['add', '-A'])
    run(work, ['commit', '-q', '--allow-empty', '-m', message])
    run(work, ['push', '-q', 'origin', 'HEAD'])
    return run(work, ['rev-parse', 'HEAD']).trim()
  }
  const repo: GitRepo = {
    url: `${url}/${name}.git`,
    bare,
    work,
    git: (...args) => run(work, args),
    commit(message, changed) {
      for (const [path, content] of Object.entries(changed)) {
        mkdirSync(dirname(join(work, path)), { recursive: true })
        writeFileSync(join(work, path), content)
        if (path.endsWith('.sh')) chmodSync(join(work, path), 0o755)
      }
      return save(message)
    },
    link(path, target) {
      symlinkSync(target, join(work, path))
      return save('a link')
    },
  }
  repo.commit('first', files)
  return repo
}

/** Behind which door an answer is given. */
const answers = new WeakMap<ServerResponse, Door>()
const PACED_MS = 50

/** False where the door has answered already. */
async function pass(doors: ReadonlyMap<string, Door>, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const [, name = '', rest = ''] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? []
  const door = doors.get(name)
  if (door === undefined) return true
  door.asked += 1
  if (!door.accepts(request.headers.authorization ?? '')) {
    response.writeHead(401, { 'www-authenticate': door.challenge }).end()
    return false
  }
  if (request.method === 'POST') await door.beforePack?.()
  answers.set(response, door)
  request.url = rest
  return true
}

function answer(dir: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://local')
  if (pathname.startsWith('/private/')) return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
  if (pathname.startsWith('/moved/')) return void response.writeHead(302, { location: pathname.slice('/moved'.length) + search }).end()
  if (pathname.startsWith('/loop/')) return void response.writeHead(302, { location: pathname + search }).end()
  if (pathname.startsWith('/trap/'))
    return void response.writeHead(302, { location: decodeURIComponent(pathname.split('/')[2] ?? '') }).end()
  if (pathname.startsWith('/broken/')) return void response.writeHead(503).end()
  if (pathname.startsWith('/page/'))
    return void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Not git</title>')
  backend(dir, pathname, search.slice(1), request, response)
}

function backend(dir: string, path: string, query: string, request: IncomingMessage, response: ServerResponse): void {
  const env = {
    ...QUIET,
    PATH: process.env['PATH'] ?? '',
    GIT_PROJECT_ROOT: dir,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: path,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method ?? 'GET',
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    ...(request.headers['content-length'] ? { CONTENT_LENGTH: request.headers['content-length'] } : {}),
    ...(request.headers['git-protocol'] ? { GIT_PROTOCOL: String(request.headers['git-protocol']) } : {}),
  }
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  request.pipe(child.stdin).on('error', () => {}) // the backend may answer before it has read all
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (bytes: Buffer) => {
    const door = answers.get(response)
    if (door !== undefined) door.sent += bytes.length
    const pace = door?.bytesPerSecond
    if (pace !== undefined && bytes.length > 1000) {
      child.stdout.pause()
      setTimeout(() => child.stdout.resume(), Math.max(PACED_MS, (bytes.length * 1000) / pace))
    }
    if (head === undefined) return void response.write(bytes)
    head = Buffer.concat([head, bytes])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const headers = Object.fromEntries(
      head
        .toString('latin1', 0, end)
        .split('\r\n')
        .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const { status = '200', ...others } = headers
    response.writeHead(Number.parseInt(status, 10), others)
    response.write(head.subarray(end + 4))
    head = undefined
  })
  child.on('close', () => response.end())
}
