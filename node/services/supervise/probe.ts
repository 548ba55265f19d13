// Asks a process whether it is healthy: over HTTP where a path is given, else by opening its port.
import { get } from 'node:http'
import { connect } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'

const ANSWER_MS = 2_000

/** @returns undefined where it is healthy, else why not */
export function probe(clock: Clock, port: number, path: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const late = (): void => settle(`no answer within ${ANSWER_MS} ms`)
    const cancel = clock.after(ANSWER_MS, late)
    const settle = (why: string | undefined): void => {
      cancel()
      asked.destroy()
      resolve(why)
    }
    const refused = ({ code, message }: NodeJS.ErrnoException): void => settle(code ?? message)
    const asked =
      path === undefined
        ? connect(port, '127.0.0.1', () => settle(undefined)).on('error', refused)
        : get({ host: '127.0.0.1', port, path, agent: false, headers: { 'user-agent': 'nimbus-health' } }, ({ statusCode = 0 }) =>
            settle(statusCode >= 200 && statusCode < 400 ? undefined : `${path} answers ${statusCode}`),
          ).on('error', refused)
  })
}
