// A registry of npm packages on loopback that can be killed, can come back at its port, and can hand out bytes that are not what it promised.
import { createHash } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

export type LoopbackRegistry = {
  url: string
  /** Of the one package that it has, `parcel` 1.0.0. */
  integrity: string
  /** What was asked of it so far, one line a request. */
  asked: readonly string[]
  /** Hands out a tarball that is not the one that it names. */
  damage(damaged: boolean): void
  kill(): Promise<void>
  revive(): Promise<void>
}

export async function createLoopbackRegistry(): Promise<LoopbackRegistry> {
  const tarball = await packageOf("module.exports = 'parcel'\n")
  const other = await packageOf("module.exports = 'something else'\n")
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  let damaged = false
  const asked: string[] = []
  let server: Server
  const start = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      if (request.url?.endsWith('.tgz')) return void response.end(damaged ? other : tarball)
      // It knows of no advisories.
      if (request.method === 'POST') return void response.end('{}')
      const dist = { tarball: `http://127.0.0.1:${(server.address() as AddressInfo).port}/parcel/-/parcel-1.0.0.tgz`, integrity }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name: 'parcel',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': { name: 'parcel', version: '1.0.0', dist } },
        }),
      )
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const port = await start(0)
  return {
    url: `http://127.0.0.1:${port}/`,
    integrity,
    asked,
    damage: (is) => void (damaged = is),
    kill: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
    revive: async () => void (await start(port)),
  }
}

async function packageOf(code: string): Promise<Buffer> {
  const tar = pack()
  tar.entry({ name: 'package/package.json' }, JSON.stringify({ name: 'parcel', version: '1.0.0', main: 'index.js' }))
  tar.entry({ name: 'package/index.js' }, code)
  tar.finalize()
  const pieces: Uint8Array[] = []
  for await (const piece of tar) pieces.push(piece as Uint8Array)
  return gzipSync(Buffer.concat(pieces))
}
