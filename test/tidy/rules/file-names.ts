// A file is named in kebab-case after what it exports; a drawer's name says nothing, and fills up.
import { basename } from 'node:path'
import type { TextFile } from '../source-tree.ts'

const DRAWERS = /^(utils?|helpers?|common|misc|types)$/
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/

export function fileNames(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path }) => {
    const findings: string[] = []
    const stem = basename(path).replace(/\.[a-z]+$/, '')
    const drawer = [...path.split('/').slice(0, -1), stem].find((part) => DRAWERS.test(part))
    if (drawer !== undefined) findings.push(`${path}: "${drawer}" is a drawer; name the file or folder after its subject`)
    if (!KEBAB_CASE.test(basename(path))) findings.push(`${path} is not in kebab-case; rename it after its main export`)
    return findings
  })
}
