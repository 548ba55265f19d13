// Which submodules may be fetched, and from where. What stands in `.gitmodules` is the repository's word and nobody else's: it is read
// as text, made an address like that of any repository, and refused by name where it is none. Pure.
import { posix } from 'node:path'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { isMesh, parseRepoUrl } from '../repo-url.ts'

/** A commit of another repository, as a tree names it, and what `.gitmodules` says of it. */
export type Module = { path: string; commit: string; name: string; url: string }

/** Bytes of `.gitmodules` that are read, and submodules of one repository. */
export const MODULES_BYTES_MAX = 64 * 1024
export const MODULES_MAX = 64

/** The sections of `.gitmodules` by their path. The last word counts, as with git; commands, branches and the rest are not looked at. */
export function readModules(text: string): Map<string, { name: string; url: string }> {
  const byName = new Map<string, { path?: string; url?: string }>()
  let section: { path?: string; url?: string } | undefined
  for (const line of text.slice(0, MODULES_BYTES_MAX).split(/\r?\n/)) {
    const head = /^\s*\[\s*(\S*?)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line)
    if (/^\s*\[/.test(line)) {
      const name = head?.[1]?.toLowerCase() === 'submodule' ? head[2]?.replaceAll(/\\(.)/g, '$1') : undefined
      section = name === undefined ? undefined : (byName.get(name) ?? {})
      if (name !== undefined && section !== undefined) byName.set(name, section)
    }
    const [, key, value] = /^\s*(path|url)\s*=\s*(.*)$/i.exec(head === null ? line : line.slice(head[0].length)) ?? []
    if (section !== undefined && key !== undefined) section[key.toLowerCase() as 'path' | 'url'] = textOfValue(value ?? '')
  }
  const found = [...byName].flatMap(([name, { path = '', url }]) =>
    path === '' || url === undefined ? [] : [[posix.normalize(path).replace(/\/$/, ''), { name, url }] as const],
  )
  return new Map(found)
}

/** A value as git reads it: quotes hold blanks and comments, a backslash the next sign. */
function textOfValue(text: string): string {
  let value = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] as string
    if (sign === '"') isQuoted = !isQuoted
    else if (sign === '\\') value += text[++at] ?? ''
    else if (!isQuoted && (sign === '#' || sign === ';')) break
    else value += sign
  }
  return isQuoted ? value : value.trim()
}

/**
 * Where a submodule is fetched from.
 * @param parent address of the repository that names it
 * @throws NimbusError `repo-submodule-refused`
 */
export function addressOf(parent: string, { name, path, url }: Module): string {
  if (unsafePath(path) || unsafePath(name)) throw refused(path, `its name or path leads out of the repository (${quoted(name)})`)
  let address: URL
  try {
    address = parseRepoUrl(/^\.\.?\//.test(url) ? beside(parent, path, url) : fullUrl(url))
  } catch (error) {
    throw refused(path, messageOf(error).replace(/\.$/, ''))
  }
  if (isMesh(address.href) && !isMesh(parent)) throw refused(path, 'only a repository of the mesh may name another one of the mesh')
  if (parent.startsWith('https:') && address.protocol === 'http:')
    throw refused(path, 'its address is http, and that of the repository is https')
  return address.href
}

/** `../lib.git` of `https://host/team/app.git` is `https://host/team/lib.git`; it may not climb above the host. */
function beside(parent: string, path: string, url: string): string {
  const base = new URL(parent)
  const parts = base.pathname.split('/').filter((part) => part !== '')
  for (const step of url.split('/')) {
    if (step === '..' && parts.pop() === undefined) throw refused(path, 'its address leads above the root of its host')
    if (step !== '..' && step !== '.' && step !== '') parts.push(step)
  }
  base.pathname = `/${parts.join('/')}`
  return base.href
}

/** Many write `git@host:team/lib.git`, which means an ssh address. */
function fullUrl(url: string): string {
  const [, user, host, path] = /^([A-Za-z0-9_][\w.-]*)@([A-Za-z0-9][\w.-]*):(?!\/\/)(.+)$/.exec(url) ?? []
  return host === undefined ? url : `ssh://${user}@${host}/${path?.replace(/^\/+/, '') ?? ''}`
}

function unsafePath(path: string): boolean {
  return (
    path.length > 512 ||
    /[\p{Cc}\\]/u.test(path) ||
    path.split('/').some((part) => /^(|\.|\.\.)$/.test(part) || /^(\.git|git~\d)[. ]*$/i.test(part))
  )
}

export function refused(path: string, why: string): NimbusError {
  return new NimbusError('repo-submodule-refused', `The submodule ${quoted(path)} is not fetched: ${why}.`.slice(0, 900), {
    kind: 'refused',
    cure: 'Mend .gitmodules, or run without --submodules and fetch what is needed in the command of the task.',
  })
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80).toWellFormed())
}
