// Closes a run with one line that scripts and CI read, "N passed, N failed, N skipped", after a line for every skipped
// test with its reason. With CI=true a skipped test fails the run: there, every tool is installed.
import { writeSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

export interface Tally {
  passed: number
  failed: number
  skipped: string[]
}

export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tally = tallyOf(modules)
    tally.failed += unhandledErrors.length
    const skipsForbidden = process.env['CI'] === 'true' && tally.skipped.length > 0
    if (skipsForbidden) process.exitCode = 1
    // Written as the process ends, so that nothing that Vitest prints comes after it.
    process.once('exit', () => writeSync(1, summaryOf(tally, skipsForbidden)))
  }
}

/** Counts tests; a file that failed outside its tests (an import, a hook) counts as one failure. */
export function tallyOf(modules: readonly TestModule[]): Tally {
  const tally: Tally = { passed: 0, failed: 0, skipped: [] }
  for (const module of modules) {
    tally.failed += module.errors().length
    for (const suite of module.children.allSuites()) tally.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') tally.passed += 1
      else if (result.state === 'failed') tally.failed += 1
      else tally.skipped.push(skipLine(test.fullName, result.state === 'skipped' ? result.note : 'the run ended before it'))
    }
  }
  return tally
}

export function summaryOf(tally: Tally, skipsForbidden: boolean): string {
  const lines = tally.skipped.map((line) => `skipped: ${line}`)
  if (skipsForbidden) lines.push('CI skips nothing: install what the lines above name, or remove the skip.')
  lines.push(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`)
  return `\n${lines.join('\n')}\n`
}

function skipLine(fullName: string, note: string | undefined): string {
  return note === undefined ? fullName : `${fullName} (${note})`
}
