// Where a command is, by the rules of the PATH. Only looks; never runs what it finds.
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** The absolute path of `name`, or undefined. Empty and relative entries of the path are passed over: they mean "wherever we are". */
export function findTool(name: string, path: string): string | undefined {
  if (!/^[\w.+-]+$/.test(name)) return undefined
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder))
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false // not there, or not for us
  }
}
