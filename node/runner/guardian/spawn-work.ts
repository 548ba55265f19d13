// Starts the process of one order, and gives each way in which that fails its name and cure.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, statSync } from 'node:fs'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { RunOrder } from '../run-order.ts'

/** In a session and group of its own, so that the whole group can be signalled. */
export function spawnWork(order: RunOrder): ChildProcess {
  const [command, ...args] = order.argv
  const stdin = order.stdinFile === undefined ? undefined : openSync(order.stdinFile, 'r')
  try {
    return spawn(command ?? '', args, { cwd: order.cwd, env: order.env, detached: true, stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] })
  } finally {
    if (stdin !== undefined) closeSync(stdin)
  }
}

export function refuseLate(): never {
  throw new NimbusError('node-gone', 'The run was not started, because its node is gone.', { cure: 'Start the node again.' })
}

/** Before the spawn: for a missing folder it reports the same ENOENT as for a missing command. */
export function assertFolder(cwd: string): void {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return
  throw new NimbusError('folder-missing', `The work cannot start in ${cwd}, because there is no such folder.`, {
    cure: 'Create the folder, or name another one.',
  })
}

export function startFault(order: RunOrder, error: unknown): unknown {
  if (error instanceof NimbusError) return error
  const command = order.argv[0] ?? ''
  const { code: fault, syscall } = error as NodeJS.ErrnoException
  if (fault === 'ENOENT' && syscall !== 'open') {
    return new NimbusError(
      'command-not-found',
      `The command ${JSON.stringify(command)} was not found in ${order.env['PATH'] ?? 'the default path'}.`,
      { kind: 'missing', cure: 'Install it on this worker, correct its name, or ask for a worker that has it with --skill.' },
    )
  }
  if (fault === 'EACCES') {
    return new NimbusError(
      'command-not-executable',
      `The command ${JSON.stringify(command)} cannot be run, because its file is not executable for this user.`,
      { cure: 'Set its executable bit (chmod +x), or name its interpreter first.' },
    )
  }
  return new NimbusError('start-failed', `The command ${JSON.stringify(command)} could not be started, because ${messageOf(error)}.`, {
    cause: error,
    cure: 'Look at the limits of this machine (processes, memory, length of arguments).',
  })
}
