// Whether a repository says of itself that its submodules belong to it: `submodules: true` in its nimbus.yaml.
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readOverride } from '../../builds/override.ts'

const BYTES_MAX = 64 * 1024

export async function wishesSubmodules(dir: string): Promise<boolean> {
  const file = join(dir, 'nimbus.yaml')
  const facts = await lstat(file).catch(() => undefined) // most have none
  if (facts?.isFile() !== true || facts.size > BYTES_MAX) return false
  try {
    return readOverride(await readFile(file, 'utf8')).submodules === true
  } catch {
    return false // a mistake in it is told by the build that reads it
  }
}
