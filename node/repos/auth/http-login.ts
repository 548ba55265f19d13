// Lets the machine's git speak to a server that asked for credentials: by a setting that it reads from a file without a name.
import { createSystemRandom } from '../../kernel/random.ts'
import type { GitAccess } from '../system/git-command.ts'
import { openHidden } from './hidden-file.ts'

const HTTP: GitAccess = { protocols: 'http:https' }

/**
 * @param authorization the header that the server of `url` asked for; undefined where it asked for none
 * @param work is given undefined where this system cannot hide the header: then git may not be used
 */
export async function withHttpLogin<Result>(
  url: string,
  authorization: string | undefined,
  work: (access: GitAccess | undefined) => Promise<Result>,
): Promise<Result> {
  if (authorization === undefined) return work(HTTP)
  const name = `nimbus-${Buffer.from(createSystemRandom().bytes(16)).toString('hex')}`
  const file = await openHidden(settingFor(new URL(url).origin, authorization), name)
  if (file === undefined) return work(undefined)
  try {
    return await work({ ...HTTP, configFd: file.fd })
  } finally {
    await file.close()
  }
}

/** For this origin only. */
function settingFor(origin: string, authorization: string): string {
  const quoted = `Authorization: ${authorization}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return `[http "${origin}/"]\n\textraHeader = "${quoted}"\n`
}
