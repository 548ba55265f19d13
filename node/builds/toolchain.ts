// Which version of a tool the repository's own files ask for: a file of the tool's own, then the lists of asdf and mise, then what the
// manifest says. The first that says something a version can be compared with counts; its file is the reason.
import type { JsonObject } from './manifests.ts'
import { isObject, objectAt, readToml, versionIn } from './manifests.ts'
import type { Folder, Tool } from './project.ts'

export type Pin = { version: string; reason: string }

const MISE_FILES = ['mise.toml', '.mise.toml', '.config/mise.toml']
/** A commit, a folder, whatever is there: nothing that a worker's version can be compared with. */
const NO_VERSION = /^(ref:|path:|prefix:|sub-|system\b|latest\b|\$)/
const VERSION_CHARS_MAX = 64

/**
 * @param files of the tool's own, such as `.nvmrc`: the first line of each
 * @param names under which asdf and mise know the tool
 */
export function pinOf(folder: Folder, files: readonly string[], names: readonly string[]): Pin | undefined {
  for (const file of files) {
    const version = usable(versionIn(folder, file))
    if (version !== undefined) return { version, reason: file }
  }
  return listedPin(folder, names)
}

/** @param pins in order of precedence */
export function toolFrom(name: string, reason: string, ...pins: readonly (Pin | undefined)[]): Tool {
  const pin = pins.find((one) => one !== undefined)
  return pin === undefined ? { name, reason } : { name, ...pin }
}

/** A version of a manifest, under its name. */
export function saidBy(reason: string, version: string | undefined): Pin | undefined {
  const plain = usable(version)
  return plain === undefined ? undefined : { version: plain, reason }
}

function listedPin(folder: Folder, names: readonly string[]): Pin | undefined {
  for (const line of (folder.read('.tool-versions') ?? '').split('\n')) {
    const [name, ...versions] = line.replace(/#.*/, '').trim().split(/\s+/)
    const version = name !== undefined && names.includes(name) ? versions.map(usable).find((one) => one !== undefined) : undefined
    if (version !== undefined) return { version, reason: '.tool-versions' }
  }
  for (const file of MISE_FILES) {
    const tools = objectAt(readToml(folder, file), 'tools')
    for (const name of names) {
      const version = usable(miseVersion(tools, name))
      if (version !== undefined) return { version, reason: file }
    }
  }
  return undefined
}

/** `node = "22"`, `node = ["22", "20"]`, `node = { version = "22" }`, also as `core:node`. */
function miseVersion(tools: JsonObject, name: string): string | undefined {
  const said = tools[name] ?? tools[`core:${name}`]
  const first: unknown = Array.isArray(said) ? said[0] : said
  const version = isObject(first) ? first['version'] : first
  return typeof version === 'string' ? version : typeof version === 'number' ? String(version) : undefined
}

function usable(version: string | undefined): string | undefined {
  const plain = version?.trim().replace(/^v(?=\d)/, '')
  return plain === undefined || plain === '' || plain.length > VERSION_CHARS_MAX || NO_VERSION.test(plain) ? undefined : plain
}
