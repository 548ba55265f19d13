// The dashboard as nodes serve it, built anew only where a source is newer: files of tests that run side by side would
// otherwise take it away from each other's nodes.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'

const WEB = join(import.meta.dirname, '../../../web')
const SOURCES = [join(WEB, 'src'), join(WEB, 'index.html'), join(WEB, 'vite.config.ts'), join(WEB, '../protocols')]

export async function builtPage(): Promise<void> {
  const builtAt = await stat(join(WEB, 'dist/index.html')).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
  if ((await newest(SOURCES)) > builtAt) await build({ root: WEB, logLevel: 'warn' })
}

async function newest(paths: readonly string[]): Promise<number> {
  let latest = 0
  for (const path of paths) {
    const found = await stat(path)
    if (!found.isDirectory()) latest = Math.max(latest, found.mtimeMs)
    else latest = Math.max(latest, await newest((await readdir(path)).map((name) => join(path, name))))
  }
  return latest
}
