// Puts the supervisor above a node of this data folder, with the flags that `up` was given.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createSystemClock } from '../../kernel/clock.ts'
import { onSignals, startVersion } from '../../runner/commands/version-process.ts'
import { commitOfTree, OWN_TREE } from '../stage/tree-commit.ts'
import { type Pointer, readPointer, writePointer } from './pointer.ts'
import { supervise } from './supervisor.ts'

export type Supervised = {
  dataDir: string
  workDir: string
  env: NodeJS.ProcessEnv
  /** The words after the program: the same command, flags and all. */
  words: readonly string[]
  note(text: string): void
}

/** A tree that tells no commit has this name. */
const UNKNOWN = 'unknown'

export function superviseNode({ dataDir, workDir, env, words, note }: Supervised): Promise<number> {
  const base = commitOfTree(OWN_TREE) ?? UNKNOWN
  return supervise({
    clock: createSystemClock(),
    // The dashboard's address stays the same, whatever free port it was at first. The last flag of a name counts.
    start: (entry, http, onWord) =>
      startVersion([process.execPath, entry, ...words, ...(http === undefined ? [] : [`--http=${new URL(http).host}`])], {
        cwd: workDir,
        env,
        output: 'ours',
        onWord,
      }),
    pointer: { read: () => usable(dataDir, base), write: (pointer) => writePointer(dataDir, pointer) },
    own: { commit: base, dir: OWN_TREE },
    onSignal: onSignals,
    note,
  })
}

/** A version whose folder is gone cannot be started: the tree that was started by hand goes on. */
async function usable(dataDir: string, base: string): Promise<Pointer> {
  const pointer = await readPointer(dataDir, base)
  return pointer.current === undefined || existsSync(join(pointer.current.dir, 'node', 'nimbus.js')) ? pointer : { base }
}
