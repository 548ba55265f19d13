// The README's tour, typed as written: every `$` line of its console blocks runs in one shell, and its output is what the
// README shows, where `…` stands for what changes from run to run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { cleanEnv } from '../../support/real-mesh.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'nimbus-tour-'))

type Step = { command: string; shown: string[] }

function tourSteps(): Step[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const steps: Step[] = []
  for (const [, block = ''] of readme.matchAll(/```console\n([\s\S]*?)```/g)) {
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), shown: [] })
      else steps.at(-1)?.shown.push(line)
    }
  }
  return steps
}

/** `…` is anything on the line; runs of blanks are one; the port of the tour is whatever was free here. */
function pattern(line: string): RegExp {
  const escaped = (part: string): string =>
    part
      .trim()
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/\s+/g, '\\s+')
      .replace(':7777', ':\\d+')
  return new RegExp(`^\\s*${line.trim().split('…').map(escaped).join('.*')}.*$`)
}

/** One shell runs all steps, so that variables live on; each step's output stands between two marks. */
function runTour(steps: readonly Step[]): string[] {
  // A person needs a moment between starting a task and killing the node that runs it.
  const pauses = (command: string): boolean => command.startsWith('kill') || command.includes('task show')
  const script = steps.map(({ command }, index) => `echo "@@${index}"\n${pauses(command) ? 'sleep 1\n' : ''}${command}\n`).join('')
  const result = spawnSync('bash', ['-c', `exec 2>&1\n${script}\necho @@end`], {
    cwd: ROOT,
    env: cleanEnv({ HOME: home, NIMBUS_HTTP: '127.0.0.1:0', npm_config_update_notifier: 'false' }),
    encoding: 'utf8',
    timeout: 120_000,
  })
  return result.stdout.split(/@@(?:\d+|end)\n/).slice(1)
}

describe('the tour of the README', () => {
  afterAll(() => {
    spawnSync('bash', ['-c', 'npx nimbus down --now; npx nimbus down --now --data ~/.nimbus-box'], {
      cwd: ROOT,
      env: cleanEnv({ HOME: home }),
    })
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  })

  test('typed as written, shows what is written', { timeout: 150_000 }, () => {
    const steps = tourSteps()
    expect(steps.length).toBeGreaterThan(10)
    const outputs = runTour(steps)
    for (const [index, { command, shown }] of steps.entries()) {
      const lines = (outputs[index] ?? '').split('\n')
      for (const line of shown.filter((one) => one.trim() !== '')) {
        expect(
          lines.some((seen) => pattern(line).test(seen)),
          `after "${command}" expected "${line}" in:\n${outputs[index]}`,
        ).toBe(true)
      }
    }
  })
})
