// Reads the manifests that several rules look into. A manifest that cannot be read is a finding, not an exception: its project
// is still detected by its name, and the build itself will say what is wrong with it.
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import type { Folder } from './project.ts'

export type JsonObject = Record<string, unknown>

export function readJson(folder: Folder, path: string): JsonObject | undefined {
  return guarded(folder, path, (text) => JSON.parse(text))
}

export function readToml(folder: Folder, path: string): JsonObject | undefined {
  return guarded(folder, path, parseToml)
}

export function readYaml(folder: Folder, path: string): JsonObject | undefined {
  return guarded(folder, path, (text) => parseYaml(text, { maxAliasCount: 20 }))
}

function guarded(folder: Folder, path: string, parse: (text: string) => unknown): JsonObject | undefined {
  const text = folder.read(path)
  if (text === undefined) return undefined
  try {
    const value = parse(text.replace(/^\uFEFF/, ''))
    return isObject(value) ? value : {}
  } catch {
    // Broken: as good as empty here.
    return {}
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object at a path of keys, or an empty one. */
export function objectAt(value: JsonObject | undefined, ...keys: string[]): JsonObject {
  let at: unknown = value
  for (const key of keys) at = isObject(at) ? at[key] : undefined
  return isObject(at) ? at : {}
}

export function textAt(value: JsonObject | undefined, ...keys: string[]): string | undefined {
  const last = keys.at(-1) ?? ''
  const text = objectAt(value, ...keys.slice(0, -1))[last]
  return typeof text === 'string' && text !== '' ? text : undefined
}

/** The first line of a version file, such as `.nvmrc`. */
export function versionIn(folder: Folder, file: string): string | undefined {
  const line = folder
    .read(file)
    ?.split('\n')
    .map((one) => one.trim())
    .find((one) => one !== '' && !one.startsWith('#'))
  return line === undefined || line.length > 64 ? undefined : line
}
