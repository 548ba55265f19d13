// Blocks of services, beside those of samples.ts.
import type { Block } from '../../protocols/blocks.ts'
import type { TaskId } from '../../protocols/ids.ts'
import { onceId } from '../../protocols/ids.ts'
import type { Entry } from '../../protocols/records.ts'
import { alice, CREATED_AT, NONCE } from './samples.ts'

const service = { name: 'web', generation: 2, revision: 3, launch: 1 }
const spec = {
  argv: ['node', 'server.js', '{port}'],
  files: [{ path: 'server.js', hash: 'a'.repeat(64), size: 12 }],
  env: { MODE: 'live' },
  secrets: ['API_KEY'],
  port: 8080,
  protocol: 'http',
  health: '/health',
  healthTimeoutMs: 30_000,
  drainMs: 5_000,
  restart: 'always',
  sandbox: 'process',
  pool: 'web',
}
const failed = { revision: 3, launch: 1, reason: 'exit code 1', at: CREATED_AT }

export const serviceBlocks: Record<string, Block> = {
  services: {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 7,
    prev: new Uint8Array(32).fill(9),
    hlc: CREATED_AT * 1024 + 7,
    entries: [
      { kind: 'service', ...service, desired: 'running', spec, rollbackOf: 1 },
      {
        kind: 'task',
        id: onceId({ service }) as TaskId,
        createdAt: CREATED_AT,
        nonce: NONCE,
        spec: {
          kind: 'service',
          name: 'service web',
          argv: [],
          priority: 9,
          attempts: 1,
          pool: 'web',
          secrets: ['API_KEY'],
          service: { name: 'web', generation: 2 },
          after: [onceId({ service: { name: 'web', generation: 1 } })],
          afterAny: true,
        },
      },
      {
        kind: 'service-state',
        name: 'web',
        generation: 2,
        epoch: 4,
        step: 5,
        observed: { state: 'running', revision: 2, launch: 0, host: '127.0.0.1', port: 8080, since: CREATED_AT, restarts: 1, failed },
      },
      { kind: 'service', ...service, desired: 'stopped', spec },
    ] as Entry[],
  },
}
