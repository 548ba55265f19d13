// Where the machine keeps tool chains that do not lie on the path itself. Folders only; nothing of what is in them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Variable, and the folder below the home where it usually points. */
const HOMES: readonly (readonly [string, string | undefined])[] = [
  ['RUSTUP_HOME', '.rustup'],
  ['PYENV_ROOT', '.pyenv'],
  ['JAVA_HOME', undefined],
  ['GOROOT', undefined],
]

/** Those that are there, by variable. */
export function toolHomes(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const homes: Record<string, string> = {}
  for (const [variable, usual] of HOMES) {
    const path =
      environment[variable] ?? (usual === undefined || environment['HOME'] === undefined ? undefined : join(environment['HOME'], usual))
    if (path !== undefined && existsSync(path)) homes[variable] = path
  }
  return homes
}
