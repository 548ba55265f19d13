// Proves a staged version before it is let near the data: it starts in a scratch folder, says what it is, runs one task and stops.
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { startVersion, VersionProcess } from '../../runner/commands/version-process.ts'

export type ProveComponents = {
  clock: Clock
  /** A folder that nobody else uses; made anew and removed. */
  scratchDir: string
  environment: Readonly<Record<string, string>>
  start: typeof startVersion
}

/** As long as a machine under load may take for a start that takes two seconds. */
const READY_MS_MAX = 60_000
const TASK_MS_MAX = 60_000
const STOP_MS_MAX = 45_000
const LOOK_MS = 100

/** @throws NimbusError `version-not-proven`, with what did not work */
export async function prove(components: ProveComponents, dir: string, commit: string, signal: AbortSignal): Promise<void> {
  const { clock, scratchDir, environment } = components
  await rm(scratchDir, { recursive: true, force: true })
  await mkdir(scratchDir, { recursive: true, mode: 0o700 })
  let origin: string | undefined
  const flags = ['--data', scratchDir, '--name', 'proof', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0', '--slots', '1']
  const node = components.start([process.execPath, join(dir, 'node', 'nimbus.js'), 'up', ...flags], {
    cwd: scratchDir,
    env: environment,
    output: 'none',
    onWord: (word) => {
      if (word.say === 'ready') origin = word.http
    },
  })
  let code: number | undefined
  void node.ended.then((ended) => (code = ended))
  const until = async (what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (const endMs = clock.nowMs() + ms; ; await sleep(clock, LOOK_MS)) {
      if (signal.aborted) throw new NimbusError('aborted', 'The proof was ended, because it is no longer wanted.')
      if (await condition()) return
      if (code !== undefined) throw unproven(`it ended with ${code} before it was ${what}`, node)
      if (clock.nowMs() > endMs) throw unproven(`it was not ${what} within ${ms / 1000} s`, node)
    }
  }
  try {
    await until('ready', READY_MS_MAX, () => origin !== undefined)
    const ask = await asker(origin ?? '', scratchDir)
    await ask('/api/health').catch((error: unknown) => {
      throw unproven(`its health could not be asked: ${messageOf(error)}`, node)
    })
    const { self } = (await ask('/api/mesh')) as { self: { commit?: string } }
    if (self.commit !== commit) throw unproven(`it says that it is ${String(self.commit)}`, node)
    const { id } = (await ask('/api/tasks', { argv: [process.execPath, '-e', ''] })) as { id: string }
    await until('done with a task', TASK_MS_MAX, async () => ((await ask(`/api/tasks/${id}`)) as { state: string }).state === 'succeeded')
    node.signal('SIGTERM')
    await Promise.race([node.ended, sleep(clock, STOP_MS_MAX)])
    if (code !== 0) throw unproven(code === undefined ? `it did not stop within ${STOP_MS_MAX / 1000} s` : `it stopped with ${code}`, node)
  } finally {
    if (code === undefined) node.signal('SIGKILL')
    await node.ended
    await rm(scratchDir, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function asker(origin: string, dataDir: string): Promise<(path: string, body?: unknown) => Promise<unknown>> {
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  return async (path, body) => {
    const response = await fetch(origin + path, {
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new NimbusError('version-not-proven', `it answered ${path} with ${response.status}`)
    return response.json()
  }
}

function unproven(what: string, node: VersionProcess): NimbusError {
  const words =
    node
      .errors()
      .trim()
      .split('\n')
      .find((line) => /^(\w*Error|nimbus)\b.*:/.test(line.trim())) ?? ''
  return new NimbusError('version-not-proven', `In a scratch folder ${what}${words === '' ? '' : `: ${words.trim().slice(0, 300)}`}.`, {
    cure: 'Correct it in the repository; the next commit is taken by itself.',
  })
}
