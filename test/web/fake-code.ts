// Builds, repositories and lines of output, from memory.
import type { BuildDetail } from '../../protocols/builds/build-views.ts'
import type { HostedRepoView } from '../../protocols/http/hosted.ts'
import type { RepoView } from '../../protocols/http/repos.ts'
import type { LogRow, MergedRow } from '../../protocols/logs/log-line-views.ts'
import { ApiError } from '../../web/src/transport/api-error.ts'
import type { Transport } from '../../web/src/transport/transport.ts'
import { aProof } from './code-fixtures.ts'

type FakeState = { builds: BuildDetail[]; repos: RepoView[]; hosted: HostedRepoView[]; lines: MergedRow[] }

export function createFakeLines(state: FakeState, calls: string[]): Transport['lines'] {
  const find = (rows: readonly MergedRow[], q = '') => rows.filter((row) => row.type !== 'line' || row.text.includes(q))
  return {
    async *ofTask(id, query, signal) {
      calls.push(`lines of ${id} ${JSON.stringify(query)}`)
      const rows = find(state.lines, query.q) as LogRow[]
      const lines = rows.filter((row) => row.type === 'line' && row.line >= (query.from ?? 1))
      yield* query.tail === undefined ? lines.slice(0, query.limit ?? 500) : lines.slice(-query.tail)
      yield* rows.filter((row) => row.type === 'mark')
      if (query.follow === true) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    async *ofTasks(ids, query, signal) {
      calls.push(`lines of ${ids.join(' ')} ${JSON.stringify(query)}`)
      yield* find(state.lines, query.q)
      if (query.follow === true) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  }
}

export function createFakeCode(
  state: FakeState,
  answer: <Answer>(call: string, value: () => Answer) => Promise<Answer>,
): Transport['code'] {
  const missing = (what: string) => new ApiError({ code: 'not-found', detail: `No ${what}.`, status: 404 })
  const find = <Item>(items: readonly Item[], isIt: (item: Item) => boolean, what: string): Item => {
    const found = items.find(isIt)
    if (found === undefined) throw missing(what)
    return found
  }
  const repo = (name: string) => find(state.repos, (one) => one.name === name, `repository ${name}`)
  return {
    builds: (query) =>
      answer(`builds ${JSON.stringify(query)}`, () => ({
        items: state.builds.filter((build) => query.state === undefined || build.state === query.state),
      })),
    build: (id) => answer(`build ${id}`, () => find(state.builds, (build) => build.id === id, `build ${id}`)),
    verify: (hash) => answer(`verify ${hash}`, () => aProof(hash)),
    repos: () => answer('repos', () => [...state.repos]),
    repo: (name) => answer(`repo ${name}`, () => repo(name)),
    fetchRepo: (name) => answer(`fetch repo ${name}`, () => repo(name)),
    hosted: () => answer('hosted', () => [...state.hosted]),
  }
}
