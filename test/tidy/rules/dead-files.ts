// A file that nothing reaches is dead. What users run must be reached by what they start: a test keeps no file alive.
import { isProduct, type SourceFile } from '../source-tree.ts'

/** What is started by name: the node, the CLI, child processes and the dashboard. */
const PRODUCT_ENTRIES = [
  'node/main.ts',
  'node/nimbus.js',
  'node/runner/guardian.ts',
  'node/repos/clone-main.ts',
  'node/cli/git/remote-main.ts',
  'node/agents/host/host-main.ts',
  'node/runner/piped/bridge-main.ts',
  'web/src/main.tsx',
]

/** What a tool or a person starts by name. */
const TOOL_ENTRIES =
  /\.test\.tsx?$|(^|\/)[a-z]+\.config\.ts$|^test\/support\/plain-reporter\.ts$|^test\/(bench\/(main|queue\/[a-z]+-worker|repos\/clone-once)|mesh\/replay|protocols\/make-vectors)\.ts$/

/** Files that are reached in another way, each with its reason. */
const EXCEPTIONS: Record<string, string> = {
  'node/store/memory-database.ts': 'the second subject of the database contract; the simulator runs on it',
}

export function deadFiles(files: readonly SourceFile[], exceptions = EXCEPTIONS): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const alive = reach(byPath, [...PRODUCT_ENTRIES, ...Object.keys(exceptions)])
  const exercised = reach(
    byPath,
    [...byPath.keys()].filter((path) => TOOL_ENTRIES.test(path)),
  )
  return files.flatMap((file) => {
    const { path } = file
    if (alive.has(path) || (exercised.has(path) && !isProduct(file))) return []
    if (exercised.has(path)) return [`${path} is reached only by tests; wire it in, or remove it with its tests`]
    return [`${path} is reached by nothing; import it, list it as an entry in dead-files.ts, or remove it`]
  })
}

function reach(files: ReadonlyMap<string, SourceFile>, entries: readonly string[]): Set<string> {
  const reached = new Set<string>()
  const queue = [...entries]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const { target } of files.get(path)?.imports ?? []) if (target !== undefined) queue.push(target)
  }
  return reached
}
