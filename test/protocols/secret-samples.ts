// Blocks and calls of secrets, beside those of samples.ts.
import type { Block } from '../../protocols/blocks.ts'
import type { CallRequest } from '../../protocols/calls.ts'
import type { Entry } from '../../protocols/records.ts'
import { alice, bob, CREATED_AT } from './samples.ts'

const secret = { name: 'API_KEY', version: 1, id: new Uint8Array(16).fill(2) }
const sealed = { to: bob.peerId, enc: new Uint8Array(32).fill(4), key: new Uint8Array(48).fill(5) }

export const secretBlocks: Record<string, Block> = {
  secrets: {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 6,
    prev: new Uint8Array(32).fill(8),
    hlc: CREATED_AT * 1024 + 6,
    entries: [
      { kind: 'sealing-key', key: new Uint8Array(32).fill(1) },
      { kind: 'secret', ...secret, box: new Uint8Array(39).fill(3), sealed: [sealed] },
      { kind: 'secret-grant', ...secret, sealed: [sealed] },
      { kind: 'secret', ...secret, version: 2, sealed: [], removed: true },
    ] as Entry[],
  },
}
const repoAuth = { kind: 'repo-auth', place: 'git.example.org/team' }
secretBlocks['credentials of repositories'] = {
  v: 1,
  author: alice.peerId,
  epoch: 7,
  seq: 11,
  prev: new Uint8Array(32).fill(8),
  hlc: CREATED_AT * 1024 + 11,
  entries: [
    { ...repoAuth, secret: 'GIT_TOKEN', user: 'ada' },
    { ...repoAuth, place: '[::1]:2222', agent: true, hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5'] },
    repoAuth,
  ] as Entry[],
}
export const secretCalls: CallRequest[] = [{ op: 'grant', name: 'API_KEY', readers: [bob.peerId] }]
