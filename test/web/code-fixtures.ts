// Builds and repositories in the shapes of the API.
import type { BuildDetail, ProvenanceView } from '../../protocols/builds/build-views.ts'
import type { HostedRepoView } from '../../protocols/http/hosted.ts'
import type { RepoView } from '../../protocols/http/repos.ts'
import { peerIdOf } from './fixtures.ts'

const MINUTE = 60_000
const COMMIT = '4f1c2d9a0b7e6c5d8f9a0b1c2d3e4f5061728394'

export function aBuild(index: number, state: BuildDetail['state'], more: Partial<BuildDetail> = {}): BuildDetail {
  const createdAt = Date.now() - index * 7 * MINUTE
  const step = (phase: string, argv: string[], from: number, end: Partial<BuildDetail['tries'][number]> = {}) => ({
    phase,
    argv,
    dir: '.',
    startedAt: createdAt + from,
    endedAt: createdAt + from + 4_200,
    exitCode: 0,
    ...end,
  })
  return {
    id: `01jb${index.toString().padStart(4, '0')}q7wk3mv8t2ga5znc9x`,
    state,
    repo: 'https://example.org/team/app.git',
    ref: 'main',
    worker: 'birch',
    createdAt,
    updatedAt: createdAt + 30_000,
    phase: null,
    step: null,
    percent: null,
    commit: COMMIT,
    failure: null,
    reason: null,
    flaky: false,
    lastGood: null,
    moves: [{ worker: 'alder', reason: 'alder has no Rust', needs: [{ name: 'cargo', version: '1.80' }] }],
    artifacts: [
      { path: 'dist/app.tar', hash: 'd'.repeat(64), size: 1_240_000 },
      { path: 'report.json', hash: 'e'.repeat(64), size: 4_210 },
    ],
    waiting: null,
    reasons: ['package.json with a lockfile: npm ci', 'it has a script build: npm run build', 'it has a script test: npm test'],
    tools: { node: '24.2.0', npm: '11.3.0' },
    tries: [
      step('install', ['npm', 'ci'], 1_000, { exitCode: 1, failure: 'network', reason: 'the registry reset the connection' }),
      step('install', ['npm', 'ci'], 6_000, { recovery: 'waited 2 s and fetched what was missing' }),
      step('build', ['npm', 'run', 'build'], 11_000),
      step('test', ['npm', 'test'], 16_000, state === 'failed' ? { exitCode: 1, failure: 'tests', reason: '2 of 310 failed' } : {}),
    ],
    cache: { key: 'f'.repeat(64), hit: true, files: 412, size: 61_000_000 },
    ...more,
  }
}

export function aProof(hash: string): ProvenanceView {
  return {
    hash,
    size: 1_240_000,
    path: 'dist/app.tar',
    task: aBuild(2, 'failed').id,
    worker: peerIdOf('birch'),
    workerName: 'birch',
    repo: 'https://example.org/team/app.git',
    ref: 'main',
    commit: COMMIT,
    finishedAt: new Date(Date.now() - MINUTE).toISOString(),
    materials: [{ uri: `git+https://example.org/team/app.git@${COMMIT}`, digest: { gitCommit: COMMIT } }],
    envelope: '9'.repeat(64),
  }
}

export function aRepo(name: string, more: Partial<RepoView> = {}): RepoView {
  return {
    name,
    url: `https://example.org/team/${name}.git`,
    state: 'ready',
    addedAt: Date.now() - 900 * MINUTE,
    fetchedAt: Date.now() - 12 * MINUTE,
    defaultBranch: 'main',
    commit: COMMIT,
    bytes: 48_200_000,
    trees: [
      { name: 'main', dir: `/srv/nimbus/repos/${name}/trees/main`, branch: 'main', commit: COMMIT, changed: 2, unpushed: 1 },
      { name: 'fix', dir: `/srv/nimbus/repos/${name}/trees/fix`, branch: 'fix/ledger', commit: COMMIT, changed: 0, unpushed: 0 },
    ],
    ...more,
  }
}

export function aHostedRepo(name: string, more: Partial<HostedRepoView> = {}): HostedRepoView {
  const ref = (path: string, minutes: number) => ({
    ref: path,
    commit: COMMIT,
    by: peerIdOf('alder'),
    byName: 'alder',
    at: Date.now() - minutes * MINUTE,
  })
  return {
    name,
    url: `nimbus://mesh/${name}`,
    version: 31,
    head: 'main',
    refs: [ref('refs/heads/main', 4), ref('refs/heads/fix/ledger', 90), ref('refs/tags/v1.2.0', 9_000)],
    holders: [
      { worker: peerIdOf('alder'), workerName: 'alder', state: 'alive', current: true },
      { worker: peerIdOf('birch'), workerName: 'birch', state: 'alive', current: false },
      { worker: peerIdOf('elm'), workerName: 'elm', state: 'dead', current: true },
    ],
    ...more,
  }
}
