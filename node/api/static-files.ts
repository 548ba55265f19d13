// The dashboard's files: read once at start into memory, so that no request ever turns into a path on disk.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'

export type StaticFile = { body: Uint8Array<ArrayBuffer>; type: string; etag: string; cache: string }
export type StaticFiles = {
  start(): Promise<void>
  /** The file of a request path; `/` is index.html. */
  find(path: string): StaticFile | undefined
  index(): StaticFile
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
/** Vite puts a hash of the content into these names. */
const HASHED = /^\/assets\/.+-[\w-]{8,}\.\w+$/
/** All files together: a dashboard is small; more than this is not one. */
const TOTAL_BYTES_MAX = 32 * 1024 * 1024
const NOT_BUILT =
  '<!doctype html><meta charset="utf-8"><title>Nimbus</title><h1>The dashboard is not built</h1><p>Run <code>npm run prepare</code> in the folder of Nimbus, then start the node again. The API and the command line work without it.</p>'

export function createStaticFiles(webDir: string): StaticFiles {
  const files = new Map<string, StaticFile>()
  const fallback = fileOf('/index.html', Buffer.from(NOT_BUILT))
  return {
    async start() {
      let total = 0
      for (const path of await listFiles(webDir)) {
        const body = await readFile(path)
        total += body.length
        if (total > TOTAL_BYTES_MAX) break
        const name = `/${relative(webDir, path).split(sep).join('/')}`
        if (extname(name) !== '.map') files.set(name, fileOf(name, body))
      }
    },
    find: (path) => (path === '/' ? (files.get('/index.html') ?? fallback) : files.get(path)),
    index: () => files.get('/index.html') ?? fallback,
  }
}

export function fileResponse(file: StaticFile, request: Request, status: 200 | 401 = 200): Response {
  const headers = { 'content-type': file.type, 'cache-control': file.cache, etag: file.etag }
  if (status === 200 && request.headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers })
  return new Response(request.method === 'HEAD' ? null : file.body, { status, headers })
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function fileOf(name: string, body: Buffer): StaticFile {
  return {
    body: new Uint8Array(body),
    type: TYPES[extname(name)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    cache: HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
}
