// Looks whether this user can keep a node in the data folder, before anything else of it is read. Creates nothing.
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, NimbusError } from './kernel/errors.ts'

const CURE = 'Name another one with --data DIR, or run this as the user whose folder it is.'

export async function checkDataFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw refused(dir, error)
  })
  if (found === undefined) {
    if (dirname(dir) !== dir) await checkDataFolder(dirname(dir)) // it can be made where its parent can be written
    return
  }
  if (!found.isDirectory())
    throw new NimbusError('data-folder', `The data folder cannot be kept in ${dir}, because that is a file.`, {
      cure: 'Name another one with --data DIR.',
    })
  await access(dir, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw refused(dir, error)
  })
}

function refused(dir: string, cause: unknown): NimbusError {
  return new NimbusError('no-permission', `This user may not read and write ${dir}: ${messageOf(cause)}.`, {
    kind: 'refused',
    cure: CURE,
    cause,
  })
}
