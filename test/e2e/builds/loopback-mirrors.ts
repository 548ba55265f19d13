// A registry of crates (sparse index) and a proxy of Go modules on loopback, each with one package, which count what they are asked.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

export type LoopbackMirrors = {
  url: string
  /** One line a request. */
  asked: readonly string[]
  close(): Promise<void>
}

export const CRATE = 'GET /crates/parcel/1.0.0/download'
export const MODULE = 'GET /go/example.test/!parcel/@v/v1.0.0.zip'

export async function createLoopbackMirrors(): Promise<LoopbackMirrors> {
  const crate = await crateOf({
    'Cargo.toml': '[package]\nname = "parcel"\nversion = "1.0.0"\nedition = "2021"\n',
    'src/lib.rs': 'pub fn words() -> &\'static str {\n    "parcel"\n}\n',
  })
  const module = zipOf({
    'example.test/Parcel@v1.0.0/go.mod': 'module example.test/Parcel\n',
    'example.test/Parcel@v1.0.0/parcel.go': 'package parcel\n\nfunc Words() string { return "parcel" }\n',
  })
  const asked: string[] = []
  const answers: Record<string, () => string | Buffer> = {
    '/index/config.json': () => JSON.stringify({ dl: `${url}/crates` }),
    '/index/pa/rc/parcel': () =>
      `${JSON.stringify({ name: 'parcel', vers: '1.0.0', deps: [], cksum: createHash('sha256').update(crate).digest('hex'), features: {}, yanked: false })}\n`,
    '/crates/parcel/1.0.0/download': () => crate,
    '/go/example.test/!parcel/@v/list': () => 'v1.0.0\n',
    '/go/example.test/!parcel/@v/v1.0.0.info': () => JSON.stringify({ Version: 'v1.0.0', Time: '2026-01-01T00:00:00Z' }),
    '/go/example.test/!parcel/@v/v1.0.0.mod': () => 'module example.test/Parcel\n',
    '/go/example.test/!parcel/@v/v1.0.0.zip': () => module,
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '') // go writes ! as %21
    asked.push(`${request.method} ${path}`)
    const answer = answers[path]
    if (answer === undefined) response.statusCode = 404
    response.end(answer?.())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked, close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))) }
}

async function crateOf(files: Record<string, string>): Promise<Buffer> {
  const tar = pack()
  for (const [name, text] of Object.entries(files)) tar.entry({ name: `parcel-1.0.0/${name}` }, text)
  tar.finalize()
  const pieces: Uint8Array[] = []
  for await (const piece of tar) pieces.push(piece as Uint8Array)
  return gzipSync(Buffer.concat(pieces))
}

/** An archive without compression. */
export function zipOf(files: Record<string, string>): Buffer {
  const locals: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const [path, text] of Object.entries(files)) {
    const [name, content] = [Buffer.from(path), Buffer.from(text)]
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(content.length, 14)
    facts.writeUInt32LE(content.length, 18)
    facts.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, name, content])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    entries.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), facts, rest, name]))
    locals.push(local)
    offset += local.length
  }
  return Buffer.concat([...locals, ...entries, endOf(entries, offset)])
}

function endOf(entries: readonly Buffer[], offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(
    entries.reduce((sum, one) => sum + one.length, 0),
    12,
  )
  end.writeUInt32LE(offset, 16)
  return end
}
