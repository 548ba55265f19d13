// The packages of a version: those with the same lock file share one folder, made once. It is linked from the running version where
// that has the same lock file, which takes no network and hardly any disk; else npm installs it.
import { createHash } from 'node:crypto'
import { copyFile, link, mkdir, readdir, readFile, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { NimbusError } from '../../kernel/errors.ts'

export type ModulesComponents = {
  /** The tree that runs now. */
  ownTree: string
  /** `npm ci` in this folder, without scripts. */
  install(dir: string): Promise<void>
}

const LINKS_AT_ONCE = 16
const LOCK_FILE = 'package-lock.json'

/** Gives `tree` its node_modules. @param versionsDir where the shared folders are kept */
export async function provideModules(
  { ownTree, install }: ModulesComponents,
  tree: string,
  versionsDir: string,
): Promise<'linked' | 'installed' | 'there'> {
  const wanted = await lockHash(tree)
  if (wanted === undefined)
    throw new NimbusError('version-without-lock', `The version has no ${LOCK_FILE}: which packages it needs is not known.`, {
      kind: 'refused',
      cure: `Commit the ${LOCK_FILE} of the repository.`,
    })
  // Packages look for each other in a folder of this name.
  const shared = join(versionsDir, 'modules', wanted, 'node_modules')
  const how = await provide()
  await rm(join(tree, 'node_modules'), { recursive: true, force: true })
  await symlink(relative(tree, shared), join(tree, 'node_modules'))
  return how

  async function provide(): Promise<'linked' | 'installed' | 'there'> {
    if (await stat(shared).catch(() => undefined)) return 'there' // made for an earlier version
    const draft = join(versionsDir, 'modules', `${wanted}.draft`)
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft, { recursive: true, mode: 0o700 })
    const linked = (await lockHash(ownTree)) === wanted
    if (linked) await linkFolder(await realpath(join(ownTree, 'node_modules')), join(draft, 'node_modules'))
    else {
      for (const name of ['package.json', LOCK_FILE]) await copyFile(join(tree, name), join(draft, name))
      await install(draft)
    }
    await rename(draft, join(versionsDir, 'modules', wanted ?? ''))
    return linked ? 'linked' : 'installed'
  }
}

/** Of the file that names every package; undefined where there is none. */
async function lockHash(tree: string): Promise<string | undefined> {
  const bytes = await readFile(join(tree, LOCK_FILE)).catch(() => undefined) // not there
  return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex').slice(0, 32)
}

/** Every file under a second name; a copy where the disk is another one. */
async function linkFolder(from: string, to: string): Promise<void> {
  const folders: [string, string][] = [[from, to]]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const [source, target] = next
    await mkdir(target, { recursive: true })
    const entries = await readdir(source, { withFileTypes: true })
    for (let at = 0; at < entries.length; at += LINKS_AT_ONCE) {
      await Promise.all(
        entries.slice(at, at + LINKS_AT_ONCE).map(async (entry) => {
          const [one, other] = [join(source, entry.name), join(target, entry.name)]
          if (entry.isDirectory()) folders.push([one, other])
          else if (entry.isSymbolicLink()) await symlink(await readlink(one), other)
          else if (entry.isFile()) await link(one, other).catch(() => copyFile(one, other)) // another disk, or one without links
        }),
      )
    }
  }
}
