// A repository as a list of files, for detection without a disk.
import type { Folder } from '../../../node/builds/project.ts'

/** @param files content by path */
export function listedTree(files: Record<string, string>): (path: string) => Folder | undefined {
  return (path) => {
    const prefix = path === '' ? '' : `${path}/`
    const below = Object.keys(files).filter((file) => file.startsWith(prefix))
    if (below.length === 0) return undefined
    const names = new Set(
      below.map((file) => {
        const rest = file.slice(prefix.length)
        const slash = rest.indexOf('/')
        return slash < 0 ? rest : rest.slice(0, slash + 1)
      }),
    )
    return {
      path,
      names,
      read: (file) => files[prefix + file],
      has: (file) => below.some((one) => one === prefix + file || one.startsWith(`${prefix}${file}/`)),
    }
  }
}
