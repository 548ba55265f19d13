// A stand-in for a node in the background: the real HTTP server in a process of its own, which ends when asked. Ends at
// once, as a refused node does, where its name is `refused`.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createApiServer } from '../../../node/api/server.ts'
import { operatorToken } from '../../../node/api/access/token-file.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import { createFakeNode } from '../api/fake-node.ts'

/** Its ready line also tells how it was started. */
export type BackgroundReady = { pid: number; mesh: string; args: string[] }

const dataDir = process.argv[process.argv.indexOf('--data') + 1]!
if (process.argv.includes('--name=refused')) {
  process.stderr.write('nimbus: the invite was used before.\n')
  process.exit(4)
}
const node = createFakeNode()
node.shutdown = async ({ drain }) => {
  await writeFile(join(dataDir, 'stopped'), String(drain))
  setTimeout(() => process.exit(0), 300) // a drain takes a moment
}
const random = createSystemRandom()
const server = createApiServer(
  { node, clock: createSystemClock(), random, log: silentLog, token: await operatorToken(dataDir, random) },
  { host: '127.0.0.1', port: 0, auth: 'token', webDir: '/none', logFile: '/none', version: '0' },
)
const { origin } = await server.start()
await writeFile(join(dataDir, 'node.json'), JSON.stringify({ http: origin, pid: process.pid }))
process.stdout.write(
  `${JSON.stringify({ event: 'ready', name: 'box', http: origin, signInUrl: origin, peerId: 'P', mesh: process.env['NIMBUS_JOIN'] ?? 'm', addresses: [], pid: process.pid, args: process.argv.slice(2) })}\n`,
)
