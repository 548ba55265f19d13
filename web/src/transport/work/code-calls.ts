// What the dashboard asks of a node about repositories and builds.
import type { BuildDetail, BuildView, ProvenanceView } from '../../../../protocols/builds/build-views.ts'
import type { HostedRepoView } from '../../../../protocols/http/hosted.ts'
import type { RepoView } from '../../../../protocols/http/repos.ts'
import type { Page, TaskStateName } from '../../../../protocols/http/views.ts'
import { queryString } from '../query-string.ts'

/** What is needed of the REST client. */
type Rest = { get<Answer>(path: string): Promise<Answer>; post<Answer>(path: string, body?: unknown): Promise<Answer> }

export type BuildQuery = { limit: number; q?: string; state?: TaskStateName; cursor?: string }

export type CodeCalls = {
  builds(query: BuildQuery): Promise<Page<BuildView>>
  /** With the report of the run that ended it, where a node that has it can be reached. */
  build(id: string): Promise<BuildDetail>
  /** What stands behind a file; rejects where signature, signer and content do not agree. */
  verify(hash: string): Promise<ProvenanceView>
  /** Those that the worker behind this page keeps. */
  repos(): Promise<readonly RepoView[]>
  /** One of them, with what is in its work trees. */
  repo(name: string): Promise<RepoView>
  fetchRepo(name: string): Promise<RepoView>
  /** Those that the mesh hosts. */
  hosted(): Promise<readonly HostedRepoView[]>
}

export function createCodeCalls(rest: Rest): CodeCalls {
  const repoPath = (name: string) => `/api/repos/${encodeURIComponent(name)}`
  return {
    builds: (query) => rest.get<Page<BuildView>>(`/api/builds${queryString(query)}`),
    build: (id) => rest.get<BuildDetail>(`/api/builds/${encodeURIComponent(id)}`),
    verify: (hash) => rest.get<ProvenanceView>(`/api/artifacts/${encodeURIComponent(hash)}/provenance`),
    repos: async () => (await rest.get<Page<RepoView>>('/api/repos')).items,
    repo: (name) => rest.get<RepoView>(repoPath(name)),
    fetchRepo: (name) => rest.post<RepoView>(`${repoPath(name)}/fetch`),
    hosted: async () => (await rest.get<Page<HostedRepoView>>('/api/hosted-repos')).items,
  }
}
