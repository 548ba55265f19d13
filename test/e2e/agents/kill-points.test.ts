// kill -9 of a session and everything in it at random moments, again and again, until it is done: what was finished is not done again,
// and the prompt is taken once. The host by itself, with the real program: NIMBUS_KILLS=50 for the long run.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { placesOf } from '../../../node/agents/host/notes/host-order.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import { type ScriptedModel, startScriptedModel } from '../../support/servers/scripted-model.ts'
import { bwrap, claude } from './agent-mesh.ts'

const HOST = fileURLToPath(new URL('../../../node/agents/host/host-main.ts', import.meta.url))
const STEPS = 5
const KILLS = Number(process.env['NIMBUS_KILLS'] ?? 4)
const SEED = Number(process.env['NIMBUS_SEED'] ?? 20261123)

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('random kill points')), () => {
  let model: ScriptedModel
  let dir: string
  beforeAll(async () => {
    model = await startScriptedModel()
    dir = mkdtempSync(join(tmpdir(), 'nimbus-kills-'))
    // It does the first step that the conversation does not know to be finished.
    model.brain('step by step', (conversation) => {
      const step = Array.from({ length: STEPS }, (_, at) => at + 1).find((one) => !conversation.includes(`finished-${one}`))
      if (step === undefined) return { text: 'All steps are finished.' }
      return {
        tools: [
          {
            name: 'Bash',
            input: { command: `echo step-${step} >> steps.txt; sleep 0.2; echo finished-$((${step}))`, description: 'step' },
          },
        ],
      }
    })
  })
  afterAll(async () => {
    await model?.close()
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  })

  test(
    `${KILLS} kills, seed ${SEED}`,
    async () => {
      const random = createSeededRandom(SEED)
      let done = 0
      let twice = 0
      for (let left = KILLS, round = 0; left > 0; round++) {
        const places = prepare(join(dir, `s${round}`), `task${round}`)
        let end: { code: number | null; lines: Line[] }
        let finished: string[] = []
        for (;;) {
          // The last of the kills is followed by a run that may end.
          const kill = left > 0 ? { early: random.next() < 0.2, afterMs: random.next() * 2_500 } : undefined
          end = await run(places.root, model, kill)
          const results = end.lines
            .filter((line) => line.type === 'tool-result')
            .flatMap((line) => /finished-\d/.exec(String(line.text)) ?? [])
          // One that was killed before it had said again what was said before says nothing about that.
          if (end.lines.some((line) => line.replayed !== true)) {
            for (const result of finished) expect(results, 'what was said before is said again').toContain(result)
            finished = results
          }
          if (end.code !== null) break
          left -= 1
        }
        done += 1
        expect(end.code, JSON.stringify(end.lines.slice(-5))).toBe(0)
        const steps = readFileSync(join(places.tree, 'steps.txt'), 'utf8').trim().split('\n')
        expect([...new Set(steps)].sort()).toEqual(Array.from({ length: STEPS }, (_, at) => `step-${at + 1}`))
        // A step that was cut off may be begun again; one whose end was told is not.
        expect(new Set(finished).size).toBe(finished.length)
        twice += steps.length - STEPS
        // Once a call was finished the prompt is not told as if nothing had been done, also where the conversation was lost.
        const firstResult = end.lines.findIndex(({ type }) => type === 'tool-result')
        const again = end.lines.slice(firstResult).filter((line) => line.type === 'prompt' && line.text === 'step by step')
        expect(again, 'the prompt after a call was finished').toEqual([])
      }
      process.stdout.write(`${KILLS} kills over ${done} sessions: every finished call once, ${twice} unfinished ones begun again\n`)
    },
    Math.max(600_000, KILLS * 30_000),
  )
})

type Line = { type: string; text?: string; resumed?: boolean; replayed?: boolean }

function prepare(root: string, task: string) {
  const places = placesOf(root)
  for (const folder of [places.tree, places.home, places.config, places.run, places.out]) mkdirSync(folder, { recursive: true })
  execFileSync('git', ['init', '-q', '-b', `nimbus/${task}`, places.tree])
  writeFileSync(places.order, JSON.stringify({ session: task, task, epoch: 1, agent: { prompt: 'step by step', driver: 'claude' } }))
  return places
}

/** @returns code null where it was killed */
async function run(
  root: string,
  model: ScriptedModel,
  kill: { early: boolean; afterMs: number } | undefined,
): Promise<{ code: number | null; lines: Line[] }> {
  const env = { PATH: process.env['PATH'] ?? '', NIMBUS_CLAUDE: claude.path ?? '', ...model.env() }
  const child: ChildProcess = spawn(process.execPath, [HOST, root], { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  let timer: NodeJS.Timeout | undefined
  const arm = (): void => {
    if (kill !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
  }
  // Most of them once the agent works; some while it starts.
  if (kill?.early === true) arm()
  const granted = new Set<string>()
  child.stdout?.on('data', (piece) => {
    output += String(piece)
    // No budget stands in the way: its node would say so before each turn.
    for (const [, turn = ''] of output.matchAll(/"type":"wants","turn":"([^"]+)"/g)) {
      if (granted.has(turn)) continue
      granted.add(turn)
      appendFileSync(placesOf(root).inbox, `${JSON.stringify({ id: turn, op: 'go', by: 'node' })}\n`)
    }
    if (output.split('\n').some((line) => line.includes('"type":"ready"') && !line.includes('"replayed":true'))) arm()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  const lines = output.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as Line] : []))
  return { code, lines }
}
