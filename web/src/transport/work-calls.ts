// What the dashboard asks of a node about services.
import type { ServiceView } from '../../../protocols/http/services.ts'
import type { Page } from '../../../protocols/http/views.ts'

/** As many as the node lists at once. */
const LISTED_MAX = 500

/** What is needed of the REST client. */
type Rest = { get<Answer>(path: string): Promise<Answer>; post<Answer>(path: string, body?: unknown): Promise<Answer> }

export type WorkCalls = {
  services(): Promise<readonly ServiceView[]>
  service(name: string, verb: 'stop' | 'restart'): Promise<ServiceView>
  rollback(name: string, revision: number): Promise<ServiceView>
}

export function createWorkCalls(rest: Rest): WorkCalls {
  const servicePath = (name: string) => `/api/services/${encodeURIComponent(name)}`
  return {
    services: async () => (await rest.get<Page<ServiceView>>(`/api/services?limit=${LISTED_MAX}`)).items,
    service: (name, verb) => rest.post<ServiceView>(`${servicePath(name)}/${verb}`),
    rollback: (name, revision) => rest.post<ServiceView>(`${servicePath(name)}/rollback`, { revision }),
  }
}
