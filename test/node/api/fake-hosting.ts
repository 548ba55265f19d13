// A git host without repositories: what it does is tested with real nodes.
import type { HostingPort } from '../../../node/api/ports.ts'
import { NimbusError } from '../../../node/kernel/errors.ts'

export function createFakeHosting(): HostingPort {
  const unknown = async (): Promise<never> => {
    throw new NimbusError('repo-unknown', 'There is no such repository.', { kind: 'missing' })
  }
  return { list: () => [], find: () => undefined, host: unknown, unhost: unknown, open: unknown }
}
