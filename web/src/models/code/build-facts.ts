// What can be said of a build without asking anyone: its title, how a step ended, how far its steps are.
import type { BuildDetail, BuildView } from '../../../../protocols/builds/build-views.ts'
import { joinCommand } from '../text/command-words.ts'
import { inertText } from '../text/inert-text.ts'

export type BuildTry = BuildDetail['tries'][number]

/** The last part of an address and the ref: `app at main`. */
export function buildTitle(build: Pick<BuildView, 'repo' | 'ref'>): string {
  const name = repoTitle(build.repo ?? '') || 'a folder'
  return build.ref === null ? name : `${name} at ${inertText(build.ref)}`
}

export function repoTitle(address: string): string {
  const path = inertText(address)
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
  return path.slice(path.search(/[^/:]*$/))
}

export function shortCommit(commit: string): string {
  return inertText(commit).slice(0, 10)
}

export function tryCommand(one: BuildTry): string {
  return inertText(joinCommand(one.argv).replaceAll('\n', ' '))
}

export function tryOutcome(one: BuildTry): 'succeeded' | 'failed' {
  return one.exitCode === 0 && one.failure === undefined ? 'succeeded' : 'failed'
}

export function tryEnd(one: BuildTry): string {
  const end = one.signal === undefined ? (one.exitCode === undefined ? '' : `exit ${one.exitCode}`) : `ended by ${inertText(one.signal)}`
  const why = [one.failure, one.reason].filter((text) => text !== undefined && text !== '').map((text) => inertText(text ?? ''))
  return [end, ...why].filter(Boolean).join(': ')
}

/** Tries that came of a recovery, as `2 recoveries`; empty where nothing had to be recovered. */
export function recoveryText(tries: readonly BuildTry[]): string {
  const count = tries.filter(({ recovery }) => recovery !== undefined).length
  return count === 0 ? '' : count === 1 ? 'one recovery' : `${count} recoveries`
}
